// SPDX-License-Identifier: Apache-2.0
#include "fuse/passwords.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "fuse/text.h"

namespace smb3fuse::fs {
namespace {

// No server takes a longer one; whoever gives more gave the wrong file.
constexpr std::size_t kLongestPassword = 1024;

std::string error_text(int error) { return std::generic_category().message(error); }

// One line without its end, LF or CRLF; reads no further than its end on a pipe or terminal. Fails with an errno.
tl::expected<WipedText, int> read_line(int descriptor) {
  constexpr std::size_t kLineEnd = 2;
  WipedText line(kLongestPassword + kLineEnd);
  for (char next = 0; next != '\n';) {
    const ssize_t count = ::read(descriptor, &next, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::make_unexpected(errno);
    if (count == 0) break;
    if (line.text.size() == kLongestPassword + kLineEnd) return tl::make_unexpected(EMSGSIZE);
    line.text += next;
  }
  if (line.text.ends_with('\n')) line.text.pop_back();
  if (line.text.ends_with('\r')) line.text.pop_back();
  if (line.text.size() > kLongestPassword) return tl::make_unexpected(EMSGSIZE);
  return line;
}

// A variable's value, removed from the environment.
std::optional<WipedText> take_variable(const char* name) {
  char* const value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  WipedText taken(std::strlen(value));
  taken.text = value;
  explicit_bzero(value, taken.text.size());
  ::unsetenv(name);
  return taken;
}

Checked<std::optional<crypto::Secret>> password_from_descriptor(const std::string& number) {
  const auto descriptor = number_between<int>(number, 0, INT_MAX);
  if (!descriptor) return refused("PASSWD_FD is '" + number + "': expected the number of an open file");
  auto line = read_line(*descriptor);
  if (!line)
    return refused("cannot read a password from descriptor " + number + " (PASSWD_FD): " + error_text(line.error()));
  if (*descriptor > STDERR_FILENO) ::close(*descriptor);  // the daemon has no business with it
  return crypto::Secret(line->text);
}

Checked<std::optional<crypto::Secret>> password_from_file(const std::string& path) {
  const auto failed = [&path](int error) {
    return refused("cannot read a password from '" + path + "' (PASSWD_FILE): " + error_text(error));
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return failed(errno);
  auto line = read_line(file.number());
  if (!line) return failed(line.error());
  return crypto::Secret(line->text);
}

// The signal that ended a wait for the terminal; 0 for none.
volatile std::sig_atomic_t caught_signal = 0;

constexpr std::array kCaughtSignals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGTSTP};

// While it lives, the signals above are held back except within wait_for(), where they end the wait; then the terminal
// can be put right before they take effect.
class HeldSignals {
 public:
  HeldSignals() {
    caught_signal = 0;
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : kCaughtSignals) sigaddset(&held, signal);
    sigprocmask(SIG_BLOCK, &held, &old_mask_);
    struct sigaction note {};
    note.sa_handler = [](int signal) { caught_signal = signal; };
    sigemptyset(&note.sa_mask);
    for (std::size_t i = 0; i < kCaughtSignals.size(); ++i) {
      sigaction(kCaughtSignals[i], nullptr, &old_actions_[i]);
      if (old_actions_[i].sa_handler != SIG_IGN) sigaction(kCaughtSignals[i], &note, nullptr);
    }
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals() {
    for (std::size_t i = 0; i < kCaughtSignals.size(); ++i) sigaction(kCaughtSignals[i], &old_actions_[i], nullptr);
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  // Whether there is something to read, rather than a signal.
  bool wait_for(int descriptor) const {
    pollfd waited{descriptor, POLLIN, 0};
    while (caught_signal == 0) {
      if (ppoll(&waited, 1, nullptr, &old_mask_) > 0) return true;
      if (errno != EINTR) return true;  // reading will tell
    }
    return false;
  }

 private:
  sigset_t old_mask_{};
  std::array<struct sigaction, kCaughtSignals.size()> old_actions_{};
};

class EchoOff {
 public:
  explicit EchoOff(int terminal) : terminal_(terminal) {
    tcgetattr(terminal_, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= static_cast<tcflag_t>(ECHONL);
    tcsetattr(terminal_, TCSAFLUSH, &quiet);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  ~EchoOff() { tcsetattr(terminal_, TCSAFLUSH, &before_); }

 private:
  int terminal_;
  termios before_{};
};

// The line typed; nothing when a signal came first.
std::optional<tl::expected<WipedText, int>> ask(const std::string& prompt, int terminal) {
  const HeldSignals signals;
  const EchoOff echo(terminal);
  if (::write(terminal, prompt.data(), prompt.size()) < 0) return tl::make_unexpected(errno);
  if (!signals.wait_for(terminal)) return std::nullopt;
  return read_line(terminal);
}

}  // namespace

WipedText::~WipedText() { explicit_bzero(text.data(), text.capacity()); }

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

tl::expected<WipedText, int> read_all(int descriptor, std::size_t limit) {
  WipedText read(limit + 1);
  read.text.resize(limit + 1);
  std::size_t size = 0;
  while (size <= limit) {
    const ssize_t count = ::read(descriptor, read.text.data() + size, limit + 1 - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::make_unexpected(errno);
    if (count == 0) {
      read.text.resize(size);
      return read;
    }
    size += static_cast<std::size_t>(count);
  }
  return tl::make_unexpected(EFBIG);
}

Checked<std::optional<crypto::Secret>> take_password_from_environment() {
  const auto password = take_variable("PASSWD");
  const auto descriptor = take_variable("PASSWD_FD");
  const auto file = take_variable("PASSWD_FILE");
  if (password) return crypto::Secret(password->text);
  if (descriptor) return password_from_descriptor(descriptor->text);
  if (file) return password_from_file(file->text);
  return std::nullopt;
}

Checked<crypto::Secret> prompt_for_password(const std::string& prompt, const char* terminal) {
  const Descriptor file(::open(terminal, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (file.number() < 0 || ::isatty(file.number()) == 0) {
    return refused(
        "no password is given and there is no terminal to ask on: use a credentials file (-o credentials=FILE), the "
        "variable PASSWD, or -o guest");
  }
  for (;;) {
    auto line = ask(prompt, file.number());
    if (!line) {
      const int signal = caught_signal;
      ::kill(::getpid(), signal);       // now that the terminal is as it was
      if (signal == SIGTSTP) continue;  // and in the foreground again
      return refused("interrupted while waiting for the password");
    }
    if (!*line) return refused("cannot read the password from the terminal: " + error_text(line->error()));
    return crypto::Secret((*line)->text);
  }
}

}  // namespace smb3fuse::fs
