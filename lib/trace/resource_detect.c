#include "trace/resource_detect.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "trace/tracing_config.h"

enum { FILE_MAX = 64 * 1024, PASSWD_MAX = 1024 };

/* The first size - 1 bytes; empty where it cannot be read. */
static size_t read_file(const char *path, char *out, size_t size)
{
    size_t length = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    while (file >= 0 && length < size - 1) {
        ssize_t got = read(file, out + length, size - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    if (file >= 0)
        close(file);
    out[length] = '\0';
    return length;
}

static void read_line(const char *path, char *out, size_t size)
{
    (void)read_file(path, out, size);
    out[strcspn(out, "\n")] = '\0';
}

/* ---- process */

static void detect_process(struct resource_facts *facts)
{
    facts->pid = getpid();
    facts->parent_pid = getppid();
    text_copy(text_of(program_invocation_short_name), facts->executable_name,
              sizeof facts->executable_name);
    ssize_t length =
        readlink("/proc/self/exe", facts->executable_path, sizeof facts->executable_path - 1);
    facts->executable_path[length > 0 ? length : 0] = '\0';
    (void)read_file("/proc/self/cmdline", facts->command, sizeof facts->command);
    struct passwd entry, *found = NULL;
    char memory[PASSWD_MAX];
    if (getpwuid_r(geteuid(), &entry, memory, sizeof memory, &found) == 0 && found != NULL)
        text_copy(text_of(entry.pw_name), facts->owner, sizeof facts->owner);
}

/* ---- host */

static const char *arch_of(const char *machine)
{
    static const struct {
        const char *machine, *arch;
    } names[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"},  {"armv7l", "arm32"},
                 {"i686", "x86"},     {"ppc64le", "ppc64"},  {"s390x", "s390x"},
                 {"i386", "x86"},     {"riscv64", "riscv64"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].machine, machine) == 0)
            return names[i].arch;
    return machine;
}

static void detect_host(struct resource_facts *facts)
{
    struct utsname system;
    if (gethostname(facts->host_name, sizeof facts->host_name - 1) != 0)
        facts->host_name[0] = '\0';
    read_line("/etc/machine-id", facts->host_id, sizeof facts->host_id);
    if (uname(&system) != 0)
        return;
    text_copy(text_of(arch_of(system.machine)), facts->host_arch, sizeof facts->host_arch);
    text_copy(text_of(system.release), facts->os_version, sizeof facts->os_version);
}

/* ---- container */

static size_t hex_prefix(struct text text)
{
    size_t length = 0;
    while (length < text.length && (('0' <= text.data[length] && text.data[length] <= '9') ||
                                    ('a' <= text.data[length] && text.data[length] <= 'f')))
        length++;
    return length;
}

static bool take_id(struct text text, char out[CONTAINER_ID_LENGTH + 1])
{
    if (hex_prefix(text) != CONTAINER_ID_LENGTH)
        return false;
    memcpy(out, text.data, CONTAINER_ID_LENGTH);
    out[CONTAINER_ID_LENGTH] = '\0';
    return true;
}

/* The last part of a path: ".../ID", ".../docker-ID.scope". */
static bool take_from_path(struct text path, char out[CONTAINER_ID_LENGTH + 1])
{
    struct text last = path;
    while (path.data != NULL)
        last = text_split(&path, '/');
    for (size_t at = 0; last.data != NULL && at + CONTAINER_ID_LENGTH <= last.length; at++)
        if ((at == 0 || last.data[at - 1] == '-') &&
            take_id((struct text){last.data + at, last.length - at}, out))
            return true;
    return false;
}

/* ".../containers/ID/hostname" and the like. */
static bool take_from_mount(struct text line, char out[CONTAINER_ID_LENGTH + 1])
{
    static const char folder[] = "/containers/";
    const char *at = line.length ? memmem(line.data, line.length, folder, sizeof folder - 1) : NULL;
    if (at == NULL)
        return false;
    at += sizeof folder - 1;
    struct text rest = {at, (size_t)(line.data + line.length - at)};
    return rest.length > CONTAINER_ID_LENGTH && rest.data[CONTAINER_ID_LENGTH] == '/' &&
           take_id((struct text){rest.data, CONTAINER_ID_LENGTH}, out);
}

void resource_detect_container(struct text cgroup, struct text mountinfo,
                               char out[CONTAINER_ID_LENGTH + 1])
{
    out[0] = '\0';
    while (cgroup.data != NULL)
        if (take_from_path(text_split(&cgroup, '\n'), out))
            return;
    while (mountinfo.data != NULL)
        if (take_from_mount(text_split(&mountinfo, '\n'), out))
            return;
}

static void detect_container(struct resource_facts *facts)
{
    char cgroup[4096], mountinfo[FILE_MAX];
    size_t cgroup_bytes = read_file("/proc/self/cgroup", cgroup, sizeof cgroup);
    size_t mounts_bytes = read_file("/proc/self/mountinfo", mountinfo, sizeof mountinfo);
    resource_detect_container((struct text){cgroup, cgroup_bytes},
                              (struct text){mountinfo, mounts_bytes}, facts->container_id);
}

void resource_detect(struct resource_facts *facts, unsigned detectors)
{
    memset(facts, 0, sizeof *facts);
    if (detectors & RESOURCE_PROCESS)
        detect_process(facts);
    if (detectors & RESOURCE_HOST)
        detect_host(facts);
    if (detectors & RESOURCE_CONTAINER)
        detect_container(facts);
}
