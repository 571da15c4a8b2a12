/*
 * scale.h
 *		Stores in parts.
 */
#ifndef AGM_SCALE_SCALE_H
#define AGM_SCALE_SCALE_H

extern void agm_scale_init(void);
extern void agm_plan_init(void);

#endif
