// SPDX-License-Identifier: Apache-2.0
// Where a password may come from when neither option nor credentials file gave one, and how text that holds one is
// kept until it is a Secret. Main thread, before the mount: the prompt changes signal handlers while it waits.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "fuse/input_error.h"
#include "smb/client/connect.h"

namespace smb3fuse::fs {

// Text that may hold a password: overwritten when it goes. Grown past its capacity it would leave a copy behind.
class WipedText {
 public:
  explicit WipedText(std::size_t capacity) { text.reserve(capacity); }
  WipedText(WipedText&&) = default;
  WipedText& operator=(WipedText&&) = delete;
  ~WipedText();

  std::string text;
};

// A descriptor that is closed when it goes; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  int number() const { return number_; }

 private:
  int number_;
};

// Reads to the end of the file, `limit` bytes at most; fails with an errno, EFBIG where there is more.
tl::expected<WipedText, int> read_all(int descriptor, std::size_t limit);

// $PASSWD, else the first line of descriptor $PASSWD_FD, else the first line of file $PASSWD_FILE; nothing when none is
// set. All three are unset; PASSWD is overwritten first, so that /proc/PID/environ does not show it either.
Checked<std::optional<crypto::Secret>> take_password_from_environment();

// Asks on the terminal with echo off; echo is restored whatever ends the wait, signals included.
Checked<crypto::Secret> prompt_for_password(const std::string& prompt, const char* terminal);

}  // namespace smb3fuse::fs
