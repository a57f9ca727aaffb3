/*
 * The floor of the fan-out benchmark: takes WebSocket upgrades and writes a frame that is built once to every socket with
 * one send() each. Nothing that delivers one message a socket a write can cost less. One topic only.
 *
 * floor PORT; stdin and stdout as servers/driver.ts has them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SOCKETS 20000
#define MAX_BATCH 64

static int fds[MAX_SOCKETS], count;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static double seconds(struct timeval a, struct timeval b) { return a.tv_sec - b.tv_sec + (a.tv_usec - b.tv_usec) / 1e6; }

static long resident(void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
  if (f) fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

static int append_event(char *to) {
  struct timespec t;
  char body[1024];
  clock_gettime(CLOCK_MONOTONIC, &t);
  int n = snprintf(body, sizeof body,
                   "{\"id\":\"00000000-7a1b-4c2d-9e3f-000000000001\",\"type\":\"next\",\"payload\":{\"data\":{"
                   "\"klineUpdated\":{\"cursor\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\"kline\":{\"symbol\":\"S0000-USDT\",\"interval\":\"M1\","
                   "\"openTime\":\"2026-03-01T09:30:00.000Z\",\"open\":\"60123.12\",\"high\":\"60200.5\","
                   "\"low\":\"60100.1\",\"close\":\"60150.55\",\"volume\":\"%lld\",\"isClosed\":false}}}}}",
                   (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
  to[0] = (char)0x81;
  to[1] = 126;
  to[2] = (char)(n >> 8);
  to[3] = (char)n;
  memcpy(to + 4, body, n);
  return n + 4;
}

static void accept_one(int listener) {
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                               "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
  static const char ack[] = "\x81\x19{\"type\":\"connection_ack\"}";
  char request[4096];
  int fd = accept(listener, 0, 0), one = 1;
  if (fd < 0 || recv(fd, request, sizeof request, 0) <= 0 || count == MAX_SOCKETS) exit(1);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
  /* connection_init, then subscribe: each comes in one piece */
  if (recv(fd, request, sizeof request, 0) <= 0) exit(1);
  send(fd, ack, sizeof ack - 1, MSG_NOSIGNAL);
  if (recv(fd, request, sizeof request, 0) <= 0) exit(1);
  fds[count++] = fd;
}

int main(int argc, char **argv) {
  static char frames[MAX_BATCH * 1100];
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, running = 0, batch = 1;
  double rate = 0, next = 0, began = 0;
  uint64_t events = 0;
  struct rusage used;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&at, sizeof at)) {
    perror("bind");
    return 1;
  }
  listen(listener, 1024);
  getrusage(RUSAGE_SELF, &used);
  printf("{\"ready\":true}\n");
  fflush(stdout);
  struct pollfd polled[2] = {{0, POLLIN, 0}, {listener, POLLIN, 0}};
  for (;;) {
    double wait = rate <= 0 ? 0 : next - now();
    poll(polled, 2, !running ? 1000 : wait <= 0 ? 0 : (int)(wait * 1000));
    if (polled[1].revents & POLLIN) accept_one(listener);
    if (polled[0].revents & (POLLIN | POLLHUP)) {
      char text[256];
      int k = read(0, text, sizeof text - 1), topics;
      if (k <= 0) return 0;
      text[k] = 0;
      for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "start %lf %d %d", &rate, &batch, &topics) == 3) {
          running = 1;
          next = now();
          if (batch > MAX_BATCH) return 1;
        } else if (!strcmp(line, "stop")) {
          running = 0;
        } else if (!strcmp(line, "begin")) {
          getrusage(RUSAGE_SELF, &used);
          began = now();
          events = 0;
        } else if (!strcmp(line, "end")) {
          struct rusage u;
          getrusage(RUSAGE_SELF, &u);
          printf("{\"user\":%.4f,\"system\":%.4f,\"seconds\":%.4f,\"events\":%lu}\n",
                 seconds(u.ru_utime, used.ru_utime), seconds(u.ru_stime, used.ru_stime), now() - began, events);
          fflush(stdout);
        } else if (!strcmp(line, "memory")) {
          printf("{\"rss\":%ld,\"heap\":0}\n", resident());
          fflush(stdout);
        } else {
          return 0;
        }
      }
    }
    if (!running || (rate > 0 && now() < next)) continue;
    if (rate > 0) next += batch / rate;
    int length = 0;
    for (int b = 0; b < batch; b++, events++) length += append_event(frames + length);
    for (int i = 0; i < count; i++) {
      for (int o = 0; o < length;) {
        int k = send(fds[i], frames + o, length - o, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
          perror("send");
          return 1;
        }
        o += k;
      }
    }
  }
}
