/*
 * Load generator of the benchmarks: many WebSocket clients (graphql-transport-ws) on one epoll thread.
 * Every client has its own 36-character operation id, every frame is parsed, and latency is taken from the stamp in the
 * event: "volume" carries CLOCK_MONOTONIC in microseconds at the moment of publishing.
 *
 * generator PORT SOCKETS TOPICS HOT QUERY
 *   Client i follows topic i % TOPICS; with HOT > 0 those from HOT on follow a topic of their own that has no events.
 *   QUERY takes the topic's symbol as $s; "%d" in it is the client's number.
 *   A query with $a is resumable: it takes the cursor of the last event that the client has seen.
 * stdin:  b begins a window, e ends it, q ends the program; c cuts every connection, and all come back at once with their
 *   cursors. Who is refused then comes again after a while, as clients do.
 * stdout: "ready" when all have subscribed; one JSON line a window; one when all that were cut are live again.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Buckets of 10 us up to 4 s. */
#define BUCKET_US 10
#define BUCKETS 400000
/* Handshakes in flight at once. */
#define OPENING 50
/* A server may bound the sockets of one address: so many share 127.0.0.1, the next 127.0.0.2, ... */
#define PER_ADDRESS 1000

/* In flight at once when all come back. */
#define RETURNING 1000
/* Who was refused waits this long, and up to as long again. */
#define RETRY_S 0.5
#define CURSOR 256

enum state { CLOSED, HANDSHAKE, INIT, OPEN };

struct client {
  int fd, index, kept, room;
  enum state state;
  char *left; /* bytes of a frame that is not whole yet */
  uint64_t received;
  double due; /* when it opens, where it is closed */
  char cursor[CURSOR];
};

static uint32_t histogram[BUCKETS + 1];
static uint64_t messages, bytes;
static int measuring, ready, sockets, topics, hot, epoll, server_port;
/* Of those that were cut: opening now, live again, how they began, how often one was refused. */
static int returning, opening, live, resumed, reset, refused;
static double cut;
static const char *query;
static double began;
static struct rusage used;
static struct client *clients;
static char buffer[1 << 20];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* A connection that ends while all come back is opened again; at any other time it is a fault. */
static void drop(struct client *c, const char *why, const char *p, int n) {
  if (!returning) {
    fprintf(stderr, "%s: %.*s\n", why, n > 400 ? 400 : n, p);
    exit(1);
  }
  if (c->state != OPEN) opening--;
  close(c->fd);
  c->state = CLOSED;
  c->kept = 0;
  c->due = now() + RETRY_S * (1 + random() / (double)RAND_MAX);
  refused++;
}

static void put(struct client *c, const char *p, int n) {
  while (n > 0) {
    int k = send(c->fd, p, n, MSG_NOSIGNAL);
    if (k < 0) {
      if (errno == EPIPE || errno == ECONNRESET) return; /* seen when it is read */
      if (errno != EAGAIN) fail("send");
      usleep(100);
      continue;
    }
    p += k;
    n -= k;
  }
}

/* A masked frame (RFC 6455 5.3) whose mask is zero. */
static void put_frame(struct client *c, int opcode, const char *p, int n) {
  char frame[8192];
  int o = 0;
  frame[o++] = (char)(0x80 | opcode);
  if (n < 126) {
    frame[o++] = (char)(0x80 | n);
  } else {
    frame[o++] = (char)(0x80 | 126);
    frame[o++] = (char)(n >> 8);
    frame[o++] = (char)n;
  }
  memset(frame + o, 0, 4);
  memcpy(frame + o + 4, p, n);
  put(c, frame, o + 4 + n);
}

static int topic_of(const struct client *c) { return hot > 0 && c->index >= hot ? c->index + 1 : c->index % topics; }

static void subscribe(struct client *c) {
  char text[4096], one[3000], after[CURSOR + 16] = "";
  snprintf(one, sizeof one, query, c->index);
  if (c->cursor[0]) snprintf(after, sizeof after, ",\"a\":\"%s\"", c->cursor);
  int n = snprintf(text, sizeof text,
                   "{\"id\":\"%08x-7a1b-4c2d-9e3f-%012x\",\"type\":\"subscribe\",\"payload\":{\"query\":\"%s\","
                   "\"variables\":{\"s\":\"S%04d-USDT\"%s},\"operationName\":\"K\"}}",
                   c->index * 2654435761u, c->index + 1, one, topic_of(c), after);
  put_frame(c, 1, text, n);
}

static void count(struct client *c, const char *p, int n) {
  c->received++;
  messages++;
  if (strstr(query, "$a")) {
    const char *from = memmem(p, n, "\"cursor\":\"", 10);
    const char *to = from ? memchr(from + 10, '"', p + n - from - 10) : NULL;
    if (to && to - from - 10 < CURSOR) {
      memcpy(c->cursor, from + 10, to - from - 10);
      c->cursor[to - from - 10] = 0;
    }
  }
  if (returning && c->received == 1) {
    live++;
    if (memmem(p, n, "\"RESUMED\"", 9)) resumed++;
    if (memmem(p, n, "\"RESET\"", 7)) reset++;
  }
  if (!measuring) return;
  const char *stamp = memmem(p, n, "\"volume\":\"", 10);
  if (!stamp) return;
  uint64_t sent = 0;
  for (stamp += 10; *stamp >= '0' && *stamp <= '9'; stamp++) sent = sent * 10 + (*stamp - '0');
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  int64_t us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - (int64_t)sent;
  int64_t bucket = us < 0 ? 0 : us / BUCKET_US;
  histogram[bucket > BUCKETS ? BUCKETS : bucket]++;
}

static void message(struct client *c, const char *p, int n) {
  if (c->state == INIT && memmem(p, n, "connection_ack", 14)) {
    c->state = OPEN;
    ready++;
    opening--;
    subscribe(c);
  } else if (memmem(p, n, "\"type\":\"next\"", 13)) {
    count(c, p, n);
  } else if (memmem(p, n, "\"ping\"", 6)) {
    put_frame(c, 1, "{\"type\":\"pong\"}", 15);
  } else {
    drop(c, "unexpected", p, n);
  }
}

/* Takes what is whole; returns how many bytes that was. */
static int take(struct client *c, char *p, int n) {
  int o = 0;
  if (c->state == HANDSHAKE) {
    char *end = memmem(p, n, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(p + 9, "101", 3)) {
      drop(c, "refused", p, n);
      return n;
    }
    o = (int)(end - p) + 4;
    c->state = INIT;
    put_frame(c, 1, "{\"type\":\"connection_init\"}", 26);
  }
  while (n - o >= 2 && c->state != CLOSED) {
    int opcode = p[o] & 15, header = 2;
    uint64_t length = p[o + 1] & 127;
    if (length == 126) {
      header = 4;
      if (n - o < header) break;
      length = (uint64_t)(uint8_t)p[o + 2] << 8 | (uint8_t)p[o + 3];
    } else if (length == 127) {
      header = 10;
      if (n - o < header) break;
      length = 0;
      for (int i = 0; i < 8; i++) length = length << 8 | (uint8_t)p[o + 2 + i];
    }
    if ((uint64_t)(n - o) < header + length) break;
    char *data = p + o + header;
    if (opcode == 9) put_frame(c, 10, data, (int)length);
    if (opcode == 8) drop(c, "closed by the server", data + 2, (int)length - 2);
    if (opcode <= 2) message(c, data, (int)length);
    o += header + (int)length;
  }
  return o;
}

static void readable(struct client *c) {
  for (;;) {
    if (c->kept) memcpy(buffer, c->left, c->kept);
    int k = recv(c->fd, buffer + c->kept, sizeof buffer - c->kept, 0);
    if (k < 0 && errno == EAGAIN) return;
    if (k <= 0) {
      drop(c, "ended by the server", "", 0);
      return;
    }
    bytes += k;
    int n = c->kept + k;
    int done = take(c, buffer, n);
    if (c->state == CLOSED) return;
    c->kept = n - done;
    if (c->kept > c->room) {
      c->room = c->kept + 512;
      c->left = realloc(c->left, c->room);
    }
    if (c->kept) memcpy(c->left, buffer + done, c->kept);
    if (n < (int)sizeof buffer) return;
  }
}

static void open_client(struct client *c, int index, int port) {
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
  char request[1024];
  int one = 1;
  c->state = HANDSHAKE;
  opening++;
  c->index = index;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / PER_ADDRESS);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(c->fd, (void *)&from, sizeof from)) fail("bind");
  if (connect(c->fd, (void *)&to, sizeof to)) fail("connect");
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  int n = snprintf(request, sizeof request,
                   "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
                   port);
  put(c, request, n);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

/* Opens who is due, so many at once; tells when everybody is live again. */
static void bring_back(void) {
  for (int i = 0; i < sockets && opening < RETURNING; i++)
    if (clients[i].state == CLOSED && clients[i].due <= now()) open_client(&clients[i], i, server_port);
  if (live < sockets) return;
  printf("{\"live\":%d,\"seconds\":%.3f,\"resumed\":%d,\"reset\":%d,\"refused\":%d}\n", live, now() - cut, resumed, reset,
         refused);
  fflush(stdout);
  returning = 0;
}

static void cut_all(void) {
  returning = 1;
  opening = live = resumed = reset = refused = ready = 0;
  cut = now();
  for (int i = 0; i < sockets; i++) {
    close(clients[i].fd);
    clients[i].state = CLOSED;
    clients[i].kept = 0;
    clients[i].received = 0;
    clients[i].due = 0;
  }
}

static double seconds(struct timeval a, struct timeval b) { return a.tv_sec - b.tv_sec + (a.tv_usec - b.tv_usec) / 1e6; }

static void begin_window(void) {
  memset(histogram, 0, sizeof histogram);
  messages = bytes = 0;
  for (int i = 0; i < sockets; i++) clients[i].received = 0;
  measuring = 1;
  began = now();
  getrusage(RUSAGE_SELF, &used);
}

static void end_window(void) {
  static const double points[] = {0.5, 0.9, 0.99, 1};
  double at[4] = {0}, took = now() - began;
  struct rusage u;
  uint64_t total = 0, seen = 0;
  int reached = 0, p = 0;
  measuring = 0;
  getrusage(RUSAGE_SELF, &u);
  double cpu = seconds(u.ru_utime, used.ru_utime) + seconds(u.ru_stime, used.ru_stime);
  for (int b = 0; b <= BUCKETS; b++) total += histogram[b];
  for (int b = 0; b <= BUCKETS && total > 0; b++) {
    seen += histogram[b];
    while (p < 4 && seen >= points[p] * total && seen > 0) at[p++] = b * BUCKET_US / 1000.0;
  }
  for (int i = 0; i < sockets; i++) reached += clients[i].received > 0;
  printf("{\"messages\":%lu,\"seconds\":%.4f,\"bytes\":%lu,\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"max\":%.2f,"
         "\"utilisation\":%.3f,\"reached\":%d}\n",
         messages, took, bytes, at[0], at[1], at[2], at[3], cpu / took, reached);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "generator PORT SOCKETS TOPICS HOT QUERY\n");
    return 2;
  }
  int opened = 0, announced = 0;
  server_port = atoi(argv[1]);
  sockets = atoi(argv[2]);
  topics = atoi(argv[3]);
  hot = atoi(argv[4]);
  query = argv[5];
  clients = calloc(sockets, sizeof *clients);
  epoll = epoll_create1(0);
  struct epoll_event events[512], input = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
  for (;;) {
    for (; opened < sockets && opened - ready < OPENING; opened++) open_client(&clients[opened], opened, server_port);
    if (!announced && ready == sockets) {
      announced = 1;
      printf("ready\n");
      fflush(stdout);
    }
    if (returning) bring_back();
    int n = epoll_wait(epoll, events, 512, returning ? 5 : 100);
    for (int i = 0; i < n; i++) {
      struct client *c = events[i].data.ptr;
      char line[64];
      if (c) {
        if (c->state != CLOSED) readable(c);
        continue;
      }
      int k = read(0, line, sizeof line);
      if (k <= 0) return 0;
      for (int j = 0; j < k; j++) {
        if (line[j] == 'b') begin_window();
        if (line[j] == 'e') end_window();
        if (line[j] == 'c') cut_all();
        if (line[j] == 'q') return 0;
      }
    }
  }
}
