#include "trace/asymmetric.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

atomic_bool asymmetric_works;
static atomic_bool worked;

static const uint64_t settle_ns =
    NS_PER_MS; /* a store is out of its buffer in a thousandth of it */

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

bool asymmetric_start(void)
{
    bool there = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
    atomic_store(&asymmetric_works, there);
    if (there)
        atomic_store(&worked, true);
    return there;
}

bool asymmetric_was_there(void)
{
    return atomic_load(&worked);
}

void asymmetric_heavy(void)
{
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) {
        atomic_store(&asymmetric_works, false);
        clock_sleep_until_ns(clock_mono_ns() + settle_ns);
    }
    atomic_thread_fence(memory_order_seq_cst);
}
