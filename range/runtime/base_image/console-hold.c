/* Holds a program on a terminal of its own, so that it outlives whoever looks at it.
 *
 *   console-hold SOCKET PROGRAM [ARGUMENT...]
 *
 * The first call starts PROGRAM and a holder that listens on SOCKET; every call then passes bytes
 * between its own terminal and the holder's. A later call takes the place of the one before.
 * Nothing here ever waits to write: a holder that did would stop reading what the program prints,
 * the program would stop reading what is typed, and a long paste would freeze both for ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define ROOM 32768
#define HEAD 3 /* kind, and length in two bytes */
#define CHUNK 4096

struct buffer {
    size_t start, end;
    unsigned char data[ROOM];
};

static struct buffer typed, printed;
static volatile sig_atomic_t resized = 1, ended;

static size_t pending(struct buffer *b) { return b->end - b->start; }

static size_t room(struct buffer *b)
{
    if (b->start) {
        memmove(b->data, b->data + b->start, pending(b));
        b->end -= b->start;
        b->start = 0;
    }
    return ROOM - b->end;
}

static void append(struct buffer *b, const void *data, size_t length)
{
    memcpy(b->data + b->end, data, length);
    b->end += length;
}

static int would_wait(void) { return errno == EAGAIN || errno == EINTR; }

/* Returns 0 once the other side has gone. */
static int drain(struct buffer *b, int to)
{
    ssize_t done = pending(b) ? write(to, b->data + b->start, pending(b)) : 0;
    if (done < 0)
        return would_wait();
    b->start += done;
    return 1;
}

static int fill(struct buffer *b, int from)
{
    ssize_t got = room(b) ? read(from, b->data + b->end, room(b)) : 1;
    if (got <= 0)
        return got < 0 && would_wait();
    if (room(b))
        b->end += got;
    return 1;
}

static void nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static int line(const char *path, struct sockaddr_un *address)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path)
        return -1;
    strcpy(address->sun_path, path);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* --- the holder ------------------------------------------------------------------------------ */

static void resize(int terminal, const unsigned char *size, int redraw)
{
    struct winsize w = {.ws_row = size[0] << 8 | size[1], .ws_col = size[2] << 8 | size[3]};
    pid_t group;
    ioctl(terminal, TIOCSWINSZ, &w);
    if (redraw && ioctl(terminal, TIOCGPGRP, &group) == 0 && group > 0)
        kill(-group, SIGWINCH);
}

/* Moves whole frames of a connection into what waits for the program. */
static void unpack(struct buffer *frames, int terminal, int *fresh)
{
    while (pending(frames) >= HEAD) {
        unsigned char *frame = frames->data + frames->start;
        size_t length = frame[1] << 8 | frame[2];
        if (pending(frames) < HEAD + length)
            return;
        if (frame[0] == 'W' && length == 4) {
            resize(terminal, frame + HEAD, *fresh);
            *fresh = 0;
        } else if (frame[0] == 'D') {
            if (room(&typed) < length)
                return;
            append(&typed, frame + HEAD, length);
        }
        frames->start += HEAD + length;
    }
}

/* The program has ended: pass on its last words, as far as somebody still listens. */
static void finish(int terminal, int client)
{
    struct pollfd p = {client, POLLOUT, 0};
    int more = 1;
    while (client >= 0 && (more || pending(&printed))) {
        errno = 0;
        more = more && fill(&printed, terminal) && errno != EAGAIN;
        if (pending(&printed) && (poll(&p, 1, 1000) <= 0 || !drain(&printed, client)))
            return;
    }
}

static void hold(int listener, int terminal, const sigset_t *waiting)
{
    static struct buffer frames;
    int client = -1, fresh = 1, seen = 0;
    nonblocking(terminal);
    nonblocking(listener);
    for (;;) {
        struct pollfd p[3] = {{listener, POLLIN, 0}, {terminal, 0, 0}, {client, 0, 0}};
        /* Before the first connection nothing is lost; while nobody looks it is let go. */
        if (seen && room(&printed))
            p[1].events |= POLLIN;
        if (pending(&typed))
            p[1].events |= POLLOUT;
        if (room(&frames))
            p[2].events |= POLLIN;
        if (pending(&printed))
            p[2].events |= POLLOUT;
        int woken = ppoll(p, 3, NULL, waiting);
        if (ended) {
            finish(terminal, client);
            return;
        }
        if (woken < 0)
            continue;
        if (!drain(&typed, terminal) ||
            (p[1].revents & (POLLIN | POLLHUP) && !fill(&printed, terminal)))
            ended = 1;
        if (client >= 0 && ((p[2].revents & POLLIN && !fill(&frames, client)) ||
                            (p[2].revents & (POLLHUP | POLLERR) && !(p[2].revents & POLLIN)) ||
                            !drain(&printed, client))) {
            close(client);
            client = -1;
        }
        if (client >= 0)
            unpack(&frames, terminal, &fresh);
        if (client < 0)
            printed.start = printed.end = seen ? 0 : printed.end;
        if (p[0].revents & POLLIN) {
            int next = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (next >= 0) {
                if (client >= 0)
                    close(client);
                client = next;
                fresh = seen = 1;
                frames.start = frames.end = 0;
            }
        }
    }
}

static void on_end(int number) { ended = 1; }

static void start(const char *path, char **program)
{
    struct sockaddr_un address;
    struct sigaction on = {.sa_handler = on_end};
    sigset_t blocked, waiting;
    struct winsize w = {.ws_row = 24, .ws_col = 80};
    int listener = line(path, &address), terminal, nowhere;
    mode_t mask = umask(077);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 4) < 0)
        _exit(1);
    umask(mask);
    ioctl(0, TIOCGWINSZ, &w);
    /* Seen only while waiting: the end of the program cannot slip in between. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    sigaction(SIGCHLD, &on, NULL);
    pid_t child = forkpty(&terminal, NULL, NULL, &w);
    if (child == 0) {
        signal(SIGCHLD, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &waiting, NULL);
        execvp(program[0], program);
        _exit(127);
    }
    nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(nowhere, fd);
    signal(SIGHUP, SIG_IGN);
    if (child > 0 && chdir("/") == 0)
        hold(listener, terminal, &waiting);
    unlink(path);
    _exit(0);
}

/* --- a connection ---------------------------------------------------------------------------- */

static int reach(const char *path, char **program)
{
    struct sockaddr_un address;
    for (int attempt = 0; attempt < 2500; attempt++) {
        int connection = line(path, &address);
        if (connection < 0)
            return -1;
        if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0)
            return connection;
        int reason = errno;
        close(connection);
        if (attempt == 0) {
            if (reason == ECONNREFUSED)
                unlink(path);
            if (fork() == 0) {
                setsid();
                start(path, program);
            }
        }
        usleep(2000);
    }
    return -1;
}

static void on_resize(int number) { resized = 1; }

static void tell_size(void)
{
    struct winsize w;
    if (ioctl(0, TIOCGWINSZ, &w) == 0) {
        unsigned char frame[] = {'W', 0, 4, w.ws_row >> 8, w.ws_row, w.ws_col >> 8, w.ws_col};
        append(&typed, frame, sizeof frame);
    }
}

static void take_typed(void)
{
    unsigned char frame[HEAD + CHUNK];
    ssize_t got = read(0, frame + HEAD, CHUNK);
    if (got == 0 || (got < 0 && !would_wait()))
        _exit(0);
    if (got > 0) {
        frame[0] = 'D';
        frame[1] = got >> 8;
        frame[2] = got;
        append(&typed, frame, HEAD + got);
    }
}

static void pass(int connection)
{
    nonblocking(0);
    nonblocking(1);
    nonblocking(connection);
    for (;;) {
        int space = room(&typed) >= 2 * (HEAD + CHUNK);
        if (resized && space) {
            resized = 0;
            tell_size();
        }
        struct pollfd p[3] = {{0, space ? POLLIN : 0, 0},
                              {1, pending(&printed) ? POLLOUT : 0, 0},
                              {connection, 0, 0}};
        p[2].events = (room(&printed) ? POLLIN : 0) | (pending(&typed) ? POLLOUT : 0);
        if (poll(p, 3, -1) < 0)
            continue;
        if (p[0].revents)
            take_typed();
        if (p[2].revents & (POLLIN | POLLHUP) && !fill(&printed, connection)) {
            p[1].events = POLLOUT;
            while (pending(&printed) && poll(p + 1, 1, 1000) > 0 && drain(&printed, 1))
                ;
            return;
        }
        if (!drain(&typed, connection) || !drain(&printed, 1))
            return;
    }
}

int main(int count, char **words)
{
    struct termios raw;
    struct sigaction on = {.sa_handler = on_resize};
    if (count < 3)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    int connection = reach(words[1], words + 2);
    if (connection < 0)
        return 1;
    sigaction(SIGWINCH, &on, NULL);
    if (tcgetattr(0, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(0, TCSANOW, &raw);
    }
    pass(connection);
    return 0;
}
