/*
 * maintain.h
 *		What moves entries between pages (README.md, "Moving"), and calibration.
 */
#ifndef AGM_IVFBQ_MAINTAIN_H
#define AGM_IVFBQ_MAINTAIN_H

#include "ivfbq/cluster.h"

/* Lists that one call splits at most. */
#define IVFBQ_MOVES_MAX 64

/* Does what is due; the caller holds the maintenance lock.  Returns how many moves were made. */
extern int ivfbq_maintain(Relation index, Relation heap);

/* Recall target -> threshold, measured on rows of the index; README.md, "Recall target". */
extern void ivfbq_calibrate(Relation index, const IvfbqIndex *info, bool building);

/* The threshold for a recall target, from what is calibrated (or a default if nothing is). */
extern double ivfbq_threshold(const IvfbqMetaData *meta, double recall);

#endif
