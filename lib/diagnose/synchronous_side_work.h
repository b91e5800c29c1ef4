/* A call that its caller waits for, though the answer does not need it: the work was handed over by
 * a queue before.
 *
 * Strong: the baseline's requests of that kind reached the same service (or the same peer outside)
 * through a message of the caller's, hardly ever by this call; now it is this call, and no message
 * goes to it. Proved where calls that the baseline made only behind the queue lie inside of it.
 * Without a baseline a hint, where other requests of the window still send the message. Names are
 * never looked at; reads are never taken, since who asks wants the answer. */
#ifndef CULPRIT_DIAGNOSE_SYNCHRONOUS_SIDE_WORK_H
#define CULPRIT_DIAGNOSE_SYNCHRONOUS_SIDE_WORK_H

#include "diagnose/detect.h"

MUST_CHECK enum status synchronous_side_work_find(struct detect *detect);

#endif
