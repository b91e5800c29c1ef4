#include "trace/asymmetric.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

atomic_bool asymmetric_works;

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

bool asymmetric_start(void)
{
    bool there = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
    atomic_store(&asymmetric_works, there);
    return there;
}

void asymmetric_heavy(void)
{
    (void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    atomic_thread_fence(memory_order_seq_cst);
}
