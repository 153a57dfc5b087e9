// SPDX-License-Identifier: Apache-2.0
#include "fuse/ready_pipe.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "fuse/command_line.h"

namespace smb3fuse::fs {

namespace {

constexpr char kReady = '+';
constexpr char kError = '-';

void print_error(const std::string& sentence) { std::fprintf(stderr, "smb3fuse: %s\n", sentence.c_str()); }

[[noreturn]] void end_with(ExitCode code) { _exit(static_cast<int>(code)); }

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 512> piece{};
  while (true) {
    const ssize_t size = read(descriptor, piece.data(), piece.size());
    if (size > 0) text.append(piece.data(), static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EINTR)) return text;
  }
}

[[noreturn]] void wait_as_parent(int read_end, pid_t child) {
  const std::string word = read_all(read_end);
  if (!word.empty() && word.front() == kReady) end_with(ExitCode::success);
  if (!word.empty()) {
    print_error(word.substr(1));
    end_with(ExitCode::mount_failure);
  }
  int status = 0;
  waitpid(child, &status, 0);
  print_error(WIFSIGNALED(status)
                  ? std::string("ended by ") + strsignal(WTERMSIG(status)) + " before the mount was made"
                  : std::string("ended before the mount was made"));
  end_with(ExitCode::mount_failure);
}

// Nothing of the daemon holds on to the terminal or to a folder.
void leave_the_terminal() {
  setsid();
  if (chdir("/") != 0) return;
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return;
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, standard);
  close(nothing);
}

}  // namespace

ReadyPipe::ReadyPipe(bool foreground) {
  if (foreground) return;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    print_error(std::string("no pipe to the background process: ") + std::strerror(errno));
    end_with(ExitCode::system);
  }
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    print_error(std::string("no background process: ") + std::strerror(errno));
    end_with(ExitCode::system);
  }
  if (child > 0) {
    close(ends[1]);
    wait_as_parent(ends[0], child);
  }
  close(ends[0]);
  write_end_ = ends[1];
}

ReadyPipe::~ReadyPipe() {
  if (write_end_ >= 0) close(write_end_);
}

bool ReadyPipe::tell_ready() {
  if (write_end_ < 0) return true;
  leave_the_terminal();
  const bool told = write(write_end_, &kReady, 1) == 1;
  close(std::exchange(write_end_, -1));
  return told;
}

void ReadyPipe::tell_error(const std::string& sentence) {
  if (write_end_ < 0) {
    print_error(sentence);
    return;
  }
  const std::string word = kError + sentence;
  if (write(write_end_, word.data(), word.size()) < 0) print_error(sentence);
  close(std::exchange(write_end_, -1));
}

}  // namespace smb3fuse::fs
