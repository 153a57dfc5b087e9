// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/header.h"

namespace smb3fuse::wire {

std::string_view name_of(Command command) {
  switch (command) {
    case Command::negotiate:
      return "NEGOTIATE";
    case Command::session_setup:
      return "SESSION_SETUP";
    case Command::logoff:
      return "LOGOFF";
    case Command::tree_connect:
      return "TREE_CONNECT";
    case Command::tree_disconnect:
      return "TREE_DISCONNECT";
    case Command::create:
      return "CREATE";
    case Command::close:
      return "CLOSE";
    case Command::flush:
      return "FLUSH";
    case Command::read:
      return "READ";
    case Command::write:
      return "WRITE";
    case Command::lock:
      return "LOCK";
    case Command::ioctl:
      return "IOCTL";
    case Command::cancel:
      return "CANCEL";
    case Command::echo:
      return "ECHO";
    case Command::query_directory:
      return "QUERY_DIRECTORY";
    case Command::change_notify:
      return "CHANGE_NOTIFY";
    case Command::query_info:
      return "QUERY_INFO";
    case Command::set_info:
      return "SET_INFO";
    case Command::oplock_break:
      return "OPLOCK_BREAK";
  }
  return {};
}

}  // namespace smb3fuse::wire
