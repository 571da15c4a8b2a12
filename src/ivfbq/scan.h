/*
 * scan.h
 *		ambeginscan to amendscan.
 */
#ifndef AGM_IVFBQ_SCAN_H
#define AGM_IVFBQ_SCAN_H

#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"

extern IndexScanDesc ivfbqbeginscan(Relation index, int nkeys, int norderbys);
extern void ivfbqrescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys,
						int norderbys);
extern bool ivfbqgettuple(IndexScanDesc scan, ScanDirection direction);
extern void ivfbqendscan(IndexScanDesc scan);

#endif
