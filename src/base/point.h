/*
 * point.h
 *		Places where a test may make a process wait, fail or die.
 *
 * Compiled with AGENTMEM_POINTS only; else a point is nothing.
 */
#ifndef AGM_BASE_POINT_H
#define AGM_BASE_POINT_H

#ifdef AGENTMEM_POINTS
#define AGM_POINT(name) agm_point(name)
extern void agm_point(const char *name);
#else
#define AGM_POINT(name) ((void) 0)
#endif

#endif
