/* Holds a program on a terminal of its own, so that it outlives whoever looks at it.
 *
 *   console-hold SOCKET PROGRAM [ARGUMENT...]
 *
 * The first call starts PROGRAM and a holder that listens on SOCKET. The holder lends the program's
 * terminal to whoever calls, and that call passes bytes between it and its own two pipes: no key
 * takes a way through the holder. A later call takes the place of the one before.
 * What comes is framed: K, a number of four bytes and so many keys; or S, rows and columns of two
 * bytes each, which must come first. What goes is an H once the terminal is lent, then bare bytes.
 * Nothing here ever waits to write: whatever did would stop reading what the program prints, the
 * program would stop reading what is typed, and a long paste would freeze both for ever.
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
#include <unistd.h>

#define ROOM 65536
#define HEAD 5
/* A read below this is no part of bulk output, and goes at once. */
#define BULK 1024

struct buffer {
    size_t start, end;
    unsigned char data[ROOM];
};

static struct buffer framed, typed, printed;
static struct winsize window = {.ws_row = 24, .ws_col = 80};
static size_t keys_left;
static int resized = 1;
static volatile sig_atomic_t ended;

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

/* Lends the terminal: the other side gets a descriptor of its own for it. */
static void lend(int terminal, int client)
{
    char word = 'T';
    struct iovec body = {&word, 1};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &body;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof terminal);
    memcpy(CMSG_DATA(head), &terminal, sizeof terminal);
    sendmsg(client, &message, MSG_NOSIGNAL);
}

static void hold(int listener, int terminal, const sigset_t *waiting)
{
    const struct timespec patience = {2, 0};
    int client = -1, next = -1, seen = 0;
    nonblocking(terminal);
    nonblocking(listener);
    while (!ended) {
        /* Before the first connection nothing is lost; while nobody looks it is let go. */
        int lost = seen && client < 0;
        struct pollfd p[3] = {{listener, POLLIN, 0},
                              {client, POLLIN, 0},
                              {lost ? terminal : -1, POLLIN, 0}};
        int woken = ppoll(p, 3, next < 0 ? NULL : &patience, waiting);
        if (woken < 0)
            continue;
        if (p[0].revents & POLLIN) {
            int late = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (late >= 0 && next >= 0)
                close(next);
            if (late >= 0 && client >= 0)
                shutdown(client, SHUT_WR);
            if (late >= 0)
                next = late;
        }
        if (p[2].revents) {
            ended = !fill(&printed, terminal);
            printed.start = printed.end = 0;
        }
        /* A client says nothing: it has left, or has not for too long. */
        if (client >= 0 && (p[1].revents || woken == 0)) {
            close(client);
            client = -1;
        }
        if (client < 0 && next >= 0) {
            client = next;
            next = -1;
            seen = 1;
            lend(terminal, client);
        }
    }
    /* Whoever has the terminal passes on the program's last words. */
    if (client >= 0)
        send(client, "E", 1, MSG_NOSIGNAL);
}

static void on_end(int number) { ended = 1; }

static void start(const char *path, char **program)
{
    struct sockaddr_un address;
    struct sigaction on = {.sa_handler = on_end};
    sigset_t blocked, waiting;
    int listener = line(path, &address), terminal, nowhere;
    mode_t mask = umask(077);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 4) < 0)
        _exit(1);
    umask(mask);
    /* Seen only while waiting: the end of the program cannot slip in between. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    sigaction(SIGCHLD, &on, NULL);
    pid_t child = forkpty(&terminal, NULL, NULL, &window);
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

/* Returns the terminal that the holder lends; it may first have to take it from another. */
static int borrow(int connection)
{
    char word;
    struct iovec body = {&word, 1};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
    int terminal;
    memset(&message, 0, sizeof message);
    message.msg_iov = &body;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) <= 0)
        return -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head == NULL || head->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&terminal, CMSG_DATA(head), sizeof terminal);
    return terminal;
}

/* Takes frames apart as far as there is room for their keys. */
static void unframe(void)
{
    for (;;) {
        size_t count = pending(&framed), most = room(&typed);
        if (count > most)
            count = most;
        if (count > keys_left)
            count = keys_left;
        memcpy(typed.data + typed.end, framed.data + framed.start, count);
        typed.end += count;
        framed.start += count;
        keys_left -= count;
        if (keys_left || pending(&framed) < HEAD)
            return;
        unsigned char *head = framed.data + framed.start;
        unsigned high = head[1] << 8 | head[2], low = head[3] << 8 | head[4];
        framed.start += HEAD;
        if (*head == 'K') {
            keys_left = (size_t)high << 16 | low;
        } else {
            window.ws_row = high;
            window.ws_col = low;
            resized = 1;
        }
    }
}

static void resize(int terminal, int redraw)
{
    pid_t group;
    ioctl(terminal, TIOCSWINSZ, &window);
    if (redraw && ioctl(terminal, TIOCGPGRP, &group) == 0 && group > 0)
        kill(-group, SIGWINCH);
}

/* Takes what is printed. Each read of a terminal brings 4 KB at most, and each write costs every
 * program on the way a waking: bulk output goes in few large pieces, unless a key waits. */
static int gather(int terminal)
{
    struct pollfd p[2] = {{terminal, POLLIN, 0}, {0, POLLIN, 0}};
    size_t before;
    do {
        before = pending(&printed);
        if (!fill(&printed, terminal))
            return 0;
    } while (pending(&printed) >= before + BULK && room(&printed) && poll(p, 2, 1) > 0 &&
             !p[1].revents);
    return 1;
}

/* Passes on what was printed, as far as somebody still listens. */
static void finish(int terminal, int more)
{
    struct pollfd p = {1, POLLOUT, 0};
    while (more || pending(&printed)) {
        errno = 0;
        more = more && fill(&printed, terminal) && errno != EAGAIN;
        if (pending(&printed) && (poll(&p, 1, 1000) <= 0 || !drain(&printed, 1)))
            return;
    }
}

static void pass(int connection, int terminal)
{
    int fresh = 1;
    nonblocking(0);
    nonblocking(1);
    for (;;) {
        unframe();
        if (resized) {
            resized = 0;
            resize(terminal, fresh);
            fresh = 0;
        }
        struct pollfd p[4] = {{0, room(&framed) ? POLLIN : 0, 0},
                              {1, pending(&printed) ? POLLOUT : 0, 0},
                              {terminal, 0, 0},
                              {connection, POLLIN, 0}};
        p[2].events = (room(&printed) ? POLLIN : 0) | (pending(&typed) ? POLLOUT : 0);
        if (poll(p, 4, -1) < 0)
            continue;
        if (p[3].revents) {
            /* The program has ended, or somebody else takes this place. */
            char word;
            finish(terminal, read(connection, &word, 1) == 1);
            return;
        }
        if (p[0].revents && (!(p[0].revents & POLLIN) || !fill(&framed, 0)))
            return;
        unframe();
        if ((p[2].revents & (POLLIN | POLLHUP) && !gather(terminal)) ||
            !drain(&typed, terminal)) {
            finish(terminal, 0);
            return;
        }
        if (!drain(&printed, 1))
            return;
    }
}

int main(int count, char **words)
{
    if (count < 3)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    while (pending(&framed) < HEAD)
        if (!fill(&framed, 0))
            return 1;
    unframe();
    int connection = reach(words[1], words + 2);
    int terminal = connection < 0 ? -1 : borrow(connection);
    if (terminal < 0 || write(1, "H", 1) != 1)
        return 1;
    pass(connection, terminal);
    return 0;
}
