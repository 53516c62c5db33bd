/*
 * Asks the installed libpq. Every line on standard input is a letter and a text in hexadecimal digits:
 *
 *   p  parse it as a connection string: "ok keyword=hex ..." or "no hex-of-the-message"
 *   c  connect with it: "no hex-of-the-message", or "ok" if somebody really answers
 *
 * The first line of the output is the version and the keywords that this libpq knows.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_hex(const char *text)
{
    for (const unsigned char *byte = (const unsigned char *) text; *byte != '\0'; byte++)
        printf("%02x", *byte);
}

static int digit(int c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* In place: the text is never longer than its digits. */
static void decode(char *text)
{
    char *out = text;
    while (text[0] != '\0' && text[1] != '\0')
    {
        *out++ = (char) (digit(text[0]) * 16 + digit(text[1]));
        text += 2;
    }
    *out = '\0';
}

static void parse(const char *conninfo)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);
    if (options == NULL)
    {
        printf("no ");
        print_hex(message == NULL ? "" : message);
    }
    else
    {
        printf("ok");
        for (PQconninfoOption *option = options; option->keyword != NULL; option++)
        {
            if (option->val == NULL)
                continue;
            printf(" %s=", option->keyword);
            print_hex(option->val);
        }
    }
    printf("\n");
    PQconninfoFree(options);
    PQfreemem(message);
}

static void attempt(const char *conninfo)
{
    PGconn *connection = PQconnectdb(conninfo);
    if (PQstatus(connection) == CONNECTION_OK)
        printf("ok\n");
    else
    {
        printf("no ");
        print_hex(PQerrorMessage(connection));
        printf("\n");
    }
    PQfinish(connection);
}

int main(void)
{
    PQconninfoOption *options = PQconndefaults();
    printf("%d", PQlibVersion());
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
        printf(" %s", option->keyword);
    printf("\n");
    PQconninfoFree(options);

    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0)
    {
        line[strcspn(line, "\n")] = '\0';
        char order = line[0];
        char *text = line + (order != '\0');
        decode(text);
        if (order == 'p')
            parse(text);
        else if (order == 'c')
            attempt(text);
    }
    free(line);
    return 0;
}
