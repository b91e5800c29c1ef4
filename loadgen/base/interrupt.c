#include "loadgen/base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

static atomic_bool stop_asked;
static int wake_fd = -1;

void interrupt_wake(void)
{
    uint64_t one = 1;
    (void)!write(wake_fd, &one, sizeof one);
}

static void on_signal(int number)
{
    int saved = errno;
    if (number != SIGCHLD && atomic_exchange(&stop_asked, true)) {
        signal(number, SIG_DFL);
        raise(number);
    }
    interrupt_wake();
    errno = saved;
}

enum status interrupt_start(struct error *error)
{
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        return error_set(error, STATUS_IO, "eventfd: %s", strerror(errno));
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    static const int numbers[] = {SIGINT, SIGTERM, SIGCHLD};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaction(numbers[i], &action, NULL) < 0)
            return error_set(error, STATUS_IO, "sigaction: %s", strerror(errno));
    signal(SIGPIPE, SIG_IGN);
    return STATUS_OK;
}

bool interrupt_came(void)
{
    return atomic_load(&stop_asked);
}

bool interrupt_wait_until(uint64_t deadline_ns)
{
    struct pollfd waiting = {.fd = wake_fd, .events = POLLIN};
    int left_ms;
    while ((left_ms = clock_remaining_ms(deadline_ns)) > 0) {
        if (interrupt_came())
            return false;
        int ready = poll(&waiting, 1, left_ms);
        if (ready > 0) {
            uint64_t count;
            (void)!read(wake_fd, &count, sizeof count);
            return false;
        }
    }
    return true;
}
