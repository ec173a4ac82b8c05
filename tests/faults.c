// A library for LD_PRELOAD that fails or kills a process at its nth file operation below a folder.
//
//   FAULT_FOLDER   operations on files below it count: open for writing, write, sync, rename, link, mkdir
//   FAULT_AT       the operation that fails, counted from 1; 0 fails none
//   FAULT_KIND     kill: SIGKILL; eio: that operation fails; enospc: that one and all after it fail
//   FAULT_COUNT    a file that says at the end how many operations there were
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long count;

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

static int is_below(const char *path) {
    const char *folder = setting("FAULT_FOLDER");
    size_t length = strlen(folder);
    return length && strncmp(path, folder, length) == 0;
}

static int fd_is_below(int fd) {
    char link[64], path[PATH_MAX + 1];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

// A path, which may be relative to a folder's descriptor.
static int at_is_below(int folder, const char *path) {
    return path[0] == '/' ? is_below(path) : folder >= 0 && fd_is_below(folder);
}

// Counts an operation; whether it has to fail.
static int fails(int counts) {
    if (!counts) return 0;
    long this = ++count, at = atol(setting("FAULT_AT"));
    const char *kind = setting("FAULT_KIND");
    if (at == 0 || this < at) return 0;
    if (strcmp(kind, "enospc") == 0) {
        errno = ENOSPC;
        return 1;
    }
    if (this > at) return 0;
    if (strcmp(kind, "kill") == 0) kill(getpid(), SIGKILL);
    errno = EIO;
    return 1;
}

__attribute__((destructor)) static void tell(void) {
    FILE *file = *setting("FAULT_COUNT") ? fopen(setting("FAULT_COUNT"), "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", (long)count);
        fclose(file);
    }
}

#define WRAP(type, name, parameters, arguments, counts)                                                               \
    type name parameters {                                                                                            \
        static type(*real) parameters;                                                                                \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                                \
        return fails(counts) ? -1 : real arguments;                                                                   \
    }

WRAP(ssize_t, write, (int fd, const void *bytes, size_t length), (fd, bytes, length), fd_is_below(fd))
WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n), fd_is_below(fd))
WRAP(int, fsync, (int fd), (fd), fd_is_below(fd))
WRAP(int, fdatasync, (int fd), (fd), fd_is_below(fd))
WRAP(int, rename, (const char *from, const char *to), (from, to), is_below(to))
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), at_is_below(b, to))
WRAP(int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), at_is_below(b, to))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), is_below(path))

#define WRAP_OPEN(name, parameters, arguments, counts)                                                                \
    int name parameters {                                                                                             \
        static int(*real) parameters;                                                                                 \
        if (!real) real = (int(*) parameters)dlsym(RTLD_NEXT, #name);                                                 \
        va_list rest;                                                                                                 \
        va_start(rest, flags);                                                                                        \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                       \
        va_end(rest);                                                                                                 \
        return fails((flags & (O_WRONLY | O_RDWR)) && (counts)) ? -1 : real arguments;                                \
    }

WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode), is_below(path))
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), is_below(path))
WRAP_OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), at_is_below(at, path))
WRAP_OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), at_is_below(at, path))
