/* Private to the folder: every kind's table, a file each. */
#ifndef SP_WATCH_KINDS_H
#define SP_WATCH_KINDS_H

#include "watch/watch.h"

#endif
