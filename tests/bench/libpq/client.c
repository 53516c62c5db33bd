/* libpq as a contender: the arguments and the answers are those of tests/bench/contender/main.rs.
 *
 * client ADDRESS ROOTS CRL|- asked|direct - TASK...
 *
 * Bytes are transferred with the SSL object that PQsslStruct hands out, which is what libpq itself reads and writes. */

#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Nothing takes so many seconds on a machine that works. */
enum { DEADLINE = 120 };

enum { WARM_UP = 5, RECORD = 1 << 14, MOST_LANES = 1024 };

static char conninfo[4096];

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static long long nanoseconds(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        fail("there is no such clock");
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static PGconn *connected(const char *then)
{
    char text[4200];
    PGconn *conn;

    snprintf(text, sizeof text, "%s dbname=%s", conninfo, then);
    conn = PQconnectdb(text);
    if (PQstatus(conn) != CONNECTION_OK)
        fail(PQerrorMessage(conn));
    if (!PQsslInUse(conn))
        fail("the session is not encrypted");
    return conn;
}

static void *lane(void *each)
{
    for (long left = *(long *) each; left > 0; left--)
        PQfinish(connected("idle"));
    return NULL;
}

static void sessions(long lanes, long each)
{
    pthread_t threads[MOST_LANES];

    if (lanes == 1)
    {
        lane(&each);
        return;
    }
    for (long i = 0; i < lanes; i++)
        if (pthread_create(&threads[i], NULL, lane, &each) != 0)
            fail("no thread can be made");
    for (long i = 0; i < lanes; i++)
        pthread_join(threads[i], NULL);
}

static void measure_sessions(long lanes, long long milliseconds)
{
    long long wall = nanoseconds(CLOCK_MONOTONIC), cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), one;
    long each;

    if (lanes < 1 || lanes > MOST_LANES)
        fail("that many lanes cannot be had");
    sessions(1, 1);
    printf("first_wall %lld first_cpu %lld ", nanoseconds(CLOCK_MONOTONIC) - wall,
           nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    sessions(1, WARM_UP);
    wall = nanoseconds(CLOCK_MONOTONIC);
    sessions(1, WARM_UP);
    one = (nanoseconds(CLOCK_MONOTONIC) - wall) / WARM_UP;
    each = (milliseconds * 1000000 / one + lanes - 1) / lanes;
    if (each < 1)
        each = 1;
    sessions(lanes, each);
    wall = nanoseconds(CLOCK_MONOTONIC);
    cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    sessions(lanes, each);
    printf("wall %lld cpu %lld count %ld\n", nanoseconds(CLOCK_MONOTONIC) - wall,
           nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, lanes * each);
}

/* The socket does not block; libpq waits for it with poll, too. */
static void move(PGconn *conn, int reads, unsigned char *bytes, size_t length)
{
    SSL *ssl = PQsslStruct(conn, "OpenSSL");
    size_t done = 0, moved;

    while (done < length)
    {
        int result = reads ? SSL_read_ex(ssl, bytes + done, length - done, &moved)
                           : SSL_write_ex(ssl, bytes + done, length - done, &moved);
        int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);
        struct pollfd wanted = {.fd = PQsocket(conn)};

        if (error == SSL_ERROR_NONE)
        {
            done += moved;
            continue;
        }
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            fail("bytes cannot be transferred");
        wanted.events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        if (poll(&wanted, 1, -1) < 0)
            fail("the socket cannot be waited for");
    }
}

/* So many records, which are asked for or announced, and in the end are there. */
static void turn(PGconn *conn, int reads, long long records)
{
    static unsigned char record[RECORD];
    unsigned char announced[8], received;

    for (int i = 0; i < 8; i++)
        announced[i] = (unsigned char) (records >> (56 - 8 * i));
    move(conn, 0, announced, sizeof announced);
    while (records-- > 0)
        move(conn, reads, record, RECORD);
    if (!reads)
        move(conn, 1, &received, 1);
}

static void measure_transfer(const char *direction, long long bytes)
{
    PGconn *conn = connected(direction);
    int reads = strcmp(direction, "source") == 0;
    long long wall, cpu;
    char line[16];

    if (PQsslStruct(conn, "OpenSSL") == NULL)
        fail("libpq does not use OpenSSL");
    turn(conn, reads, 1);
    do
    {
        wall = nanoseconds(CLOCK_MONOTONIC);
        cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        turn(conn, reads, (bytes + RECORD - 1) / RECORD);
        printf("wall %lld cpu %lld bytes %lld\n", nanoseconds(CLOCK_MONOTONIC) - wall,
               nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, bytes);
        fflush(stdout);
    } while (fgets(line, sizeof line, stdin) != NULL);
}

static long long resident(void)
{
    char line[256];
    long long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %lld", &kib) == 1)
            break;
    if (status == NULL || kib < 0)
        fail("there is no VmRSS");
    fclose(status);
    return kib * 1024;
}

static void measure_idle(long count)
{
    PGconn **open = calloc((size_t) count, sizeof *open);
    long long before;

    if (open == NULL)
        fail("out of memory");
    sessions(1, WARM_UP);
    before = resident();
    for (long i = 0; i < count; i++)
        open[i] = connected("idle");
    printf("resident %lld count %ld\n", resident() - before, count);
    for (long i = 0; i < count; i++)
        PQfinish(open[i]);
    free(open);
}

int main(int count, char **arguments)
{
    char *colon, crl[2048] = "";

    if (count == 2 && strcmp(arguments[1], "version") == 0)
    {
        int number = PQlibVersion();

        printf("libpq %d.%d, %s\n", number / 10000, number % 10000, OpenSSL_version(OPENSSL_VERSION));
        return 0;
    }
    alarm(DEADLINE);
    if (count < 8 || (colon = strrchr(arguments[1], ':')) == NULL)
        fail("the head of client.c tells the arguments");
    *colon = '\0';
    if (strcmp(arguments[3], "-") != 0)
        snprintf(crl, sizeof crl, "sslcrl='%s'", arguments[3]);
    snprintf(conninfo, sizeof conninfo,
             "host=db.test hostaddr=%s port=%s user=bench sslmode=verify-full gssencmode=disable sslrootcert='%s' %s %s",
             arguments[1], colon + 1, arguments[2], crl,
             strcmp(arguments[4], "direct") == 0 ? "sslnegotiation=direct" : "");
    if (strcmp(arguments[6], "sessions") == 0 && count == 9)
        measure_sessions(atol(arguments[7]), atoll(arguments[8]));
    else if (strcmp(arguments[6], "transfer") == 0 && count == 9)
        measure_transfer(arguments[7], atoll(arguments[8]));
    else if (strcmp(arguments[6], "idle") == 0)
        measure_idle(atol(arguments[7]));
    else
        fail("there is no such task");
    return 0;
}
