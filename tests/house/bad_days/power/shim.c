/*
 * A disk that forgets: preloaded into a program, it keeps beside the program's folder what a power cut would leave of it.
 *
 *   HEATMINE_POWER_FOLDER   the folder; what lies elsewhere is left alone
 *   HEATMINE_POWER_DISK     the disk below it:
 *       contents/FILE       what of a file's contents is synced, by inode and time of birth, so that a new file is no old one
 *       names/..            what of the folder's names is synced: hard links to contents
 *       written             bytes that were given to write(2) and its like for files of the folder (64 bits)
 *
 * The folder itself has everything, as the page cache does. Only two things reach the disk:
 *
 *   fsync, fdatasync of a file     its contents, page by page, then its length: a program killed meanwhile leaves some of them
 *   fsync of a folder              the names in it: files made, renamed and removed since. A file that was named and never synced
 *                                  is empty
 *
 * This is the strict reading of POSIX: no real file system loses more (ext4 keeps a synced file's first name, too). A subfolder is
 * on the disk as soon as its parent was synced. SQLite's `-shm` is an index that it makes anew: it never reaches the disk. Nothing
 * is really synced, which is quicker; sync(2), syncfs(2), msync(2) and O_SYNC do not count, since nobody here relies on them.
 *
 * In numbers: a program writes 3 pages, syncs, overwrites the second, is killed. The folder has the new page, `contents` the old
 * one; `names` has the file only if its folder was synced after it was made.
 *
 * A child inherits all of this and adds to the same disk; one that writes nothing below the folder notices nothing.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

static const char *folder, *disk;
static uint64_t *written;
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

static int (*real_fsync)(int), (*real_fdatasync)(int);
static ssize_t (*real_write)(int, const void *, size_t), (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int), (*real_pwritev)(int, const struct iovec *, int, off_t);

__attribute__((constructor(101))) static void begin(void)
{
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    real_write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    real_writev = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    real_pwritev = (ssize_t(*)(int, const struct iovec *, int, off_t))dlsym(RTLD_NEXT, "pwritev");
    const char *below = getenv("HEATMINE_POWER_DISK");
    char path[PATH_MAX];
    if (!below || !getenv("HEATMINE_POWER_FOLDER")) return;
    snprintf(path, sizeof path, "%s/written", below);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0 && ftruncate(fd, sizeof *written) == 0)
        written = mmap(NULL, sizeof *written, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) close(fd);
    if (!written || written == MAP_FAILED) abort();
    disk = below;
    folder = getenv("HEATMINE_POWER_FOLDER");
}

/* What of `path` follows the folder: "" for the folder itself, "/name" for what lies in it; NULL for everything else. */
static const char *below_folder(const char *path)
{
    size_t length = folder ? strlen(folder) : 0;
    int inside = folder && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
    return inside ? path + length : NULL;
}

/* The path of an open file, as far as it lies in the folder. */
static const char *place(int fd, char path[PATH_MAX])
{
    char link[64];
    if (!folder) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return below_folder(path);
}

/* SQLite's index of its log. */
static int is_index(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, "-shm") == 0;
}

/* What is never named on the disk. */
static int is_nameless(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_index(name);
}

/* Where a file's synced contents lie. */
static int contents(int fd, const char *path, char out[PATH_MAX])
{
    struct statx it;
    if (statx(fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &it)) return -1;
    int length = snprintf(out, PATH_MAX, "%s/contents/%llu-%lld.%09u", disk, (unsigned long long)it.stx_ino,
                          (long long)it.stx_btime.tv_sec, it.stx_btime.tv_nsec);
    return length < PATH_MAX ? 0 : -1;
}

static int sync_contents(int fd)
{
    char path[PATH_MAX], link[64], now[PAGE], before[PAGE];
    struct stat it;
    if (contents(fd, "", path)) return -1;
    int to = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), from = fd;
    if (to < 0) return -1;
    /* SQLite's locks are lost when any descriptor of its files is closed: another one is opened only where this one cannot read. */
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        from = open(link, O_RDONLY | O_CLOEXEC);
    }
    int result = from < 0 || fstat(from, &it) ? -1 : 0;
    for (off_t at = 0; !result && at < it.st_size; at += PAGE) {
        ssize_t length = pread(from, now, PAGE, at);
        if (length <= 0) break;
        if (pread(to, before, (size_t)length, at) == length && memcmp(now, before, (size_t)length) == 0) continue;
        if (real_pwrite(to, now, (size_t)length, at) != length) result = -1;
    }
    if (!result && ftruncate(to, it.st_size)) result = -1;
    if (from >= 0 && from != fd) close(from);
    close(to);
    return result;
}

/* Has the disk name the file as the folder does. */
static int sync_name(int live, const char *name, const char *path)
{
    char from[PATH_MAX], beside[PATH_MAX];
    struct stat synced, named;
    if (contents(live, name, from)) return errno == ENOENT ? 0 : -1;
    int made = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (made < 0 || fstat(made, &synced)) return -1;
    close(made);
    if (stat(path, &named) == 0 && named.st_ino == synced.st_ino) return 0;
    if (snprintf(beside, sizeof beside, "%s/contents/naming-%d", disk, (int)getpid()) >= PATH_MAX) return -1;
    unlink(beside);
    return link(from, beside) || rename(beside, path) ? -1 : 0;
}

static int removed(const char *path, const struct stat *it, int kind, struct FTW *tree)
{
    (void)it, (void)kind, (void)tree;
    return remove(path);
}

static int sync_names(int fd, const char *inside)
{
    char names[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
    struct dirent *entry;
    struct stat it;
    if (snprintf(names, sizeof names, "%s/names%s", disk, inside) >= PATH_MAX) return -1;
    int result = mkdir(names, 0755) && errno != EEXIST ? -1 : 0;
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *open_folder = again < 0 ? NULL : fdopendir(again), *synced;
    if (!open_folder) return -1;
    while ((entry = readdir(open_folder))) {
        snprintf(path, sizeof path, "%s/%s", names, entry->d_name);
        if (is_nameless(entry->d_name)) continue;
        if (fstatat(again, entry->d_name, &it, AT_SYMLINK_NOFOLLOW)) continue;
        if (S_ISDIR(it.st_mode) && mkdir(path, 0755) && errno != EEXIST) result = -1;
        if (S_ISREG(it.st_mode) && sync_name(again, entry->d_name, path)) result = -1;
    }
    synced = opendir(names);
    while (synced && (entry = readdir(synced))) {
        snprintf(path, sizeof path, "%s/%s", names, entry->d_name);
        if (is_nameless(entry->d_name) || fstatat(again, entry->d_name, &it, AT_SYMLINK_NOFOLLOW) == 0) continue;
        if (nftw(path, removed, 8, FTW_DEPTH | FTW_PHYS)) result = -1;
    }
    if (synced) closedir(synced);
    closedir(open_folder);
    return result;
}

static int persist(int fd, int (*really)(int))
{
    char path[PATH_MAX];
    struct stat it;
    const char *inside = place(fd, path);
    if (!inside || is_index(path)) return really(fd);
    if (fstat(fd, &it)) return -1;
    if (S_ISREG(it.st_mode)) return sync_contents(fd);
    pthread_mutex_lock(&naming);
    int result = sync_names(fd, inside);
    pthread_mutex_unlock(&naming);
    return result;
}

static ssize_t count(int fd, ssize_t bytes)
{
    char path[PATH_MAX];
    int before = errno;
    if (bytes > 0 && written && place(fd, path)) __atomic_fetch_add(written, (uint64_t)bytes, __ATOMIC_RELAXED);
    errno = before;
    return bytes;
}

int fsync(int fd) { return persist(fd, real_fsync); }
int fdatasync(int fd) { return persist(fd, real_fdatasync); }
ssize_t write(int fd, const void *from, size_t length) { return count(fd, real_write(fd, from, length)); }
ssize_t writev(int fd, const struct iovec *from, int parts) { return count(fd, real_writev(fd, from, parts)); }
ssize_t pwrite(int fd, const void *from, size_t length, off_t at) { return count(fd, real_pwrite(fd, from, length, at)); }
ssize_t pwrite64(int fd, const void *from, size_t length, off_t at) { return count(fd, real_pwrite(fd, from, length, at)); }
ssize_t pwritev(int fd, const struct iovec *from, int parts, off_t at) { return count(fd, real_pwritev(fd, from, parts, at)); }
ssize_t pwritev64(int fd, const struct iovec *from, int parts, off_t at) { return count(fd, real_pwritev(fd, from, parts, at)); }
