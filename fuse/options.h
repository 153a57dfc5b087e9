// SPDX-License-Identifier: Apache-2.0
// The mount options: names and meaning as in mount.cifs, one table of them, and what a list of them amounts to. The
// table drives parsing, --help, the suggestion for a mistyped name, and the test of the man page. Any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuse/credentials.h"
#include "fuse/input_error.h"
#include "smb/client/code_page.h"
#include "smb/client/dial_policy.h"
#include "smb/client/path.h"

namespace smb3fuse::fs {

// The values are those of the wire's DialectRevision.
enum class Dialect : std::uint16_t {
  smb1 = 0x0100,  // only ever alone
  smb202 = 0x0202,
  smb210 = 0x0210,
  smb300 = 0x0300,
  smb302 = 0x0302,
  smb311 = 0x0311
};

enum class CacheMode : std::uint8_t { none, strict, loose };

// What the kernel is told about the mount. Devices and set-uid programs of a share are never honoured.
struct KernelFlags {
  bool read_only = false;
  bool execute = true;
  bool synchronous = false;
  bool synchronous_directories = false;
  bool update_atime = true;
  bool allow_other = false;
  bool allow_root = false;
  bool check_permissions = true;  // by the modes shown; noperm leaves it to the server
  bool auto_unmount = false;
  std::optional<std::string> fsname;
  std::string subtype = "smb3fuse";
};

struct MountOptions {
  CredentialOptions credentials;

  // The connection.
  std::optional<std::uint16_t> port;   // nothing: those that SMB has
  std::optional<std::string> address;  // connect here instead of resolving the server's name
  client::DialPolicy dial;
  bool plaintext_password = false;  // sec=plaintext
  Dialect min_dialect = Dialect::smb202;
  Dialect max_dialect = Dialect::smb311;
  bool require_signing = false;
  bool require_sealing = false;
  std::chrono::seconds call_timeout{30};
  std::chrono::seconds echo_interval{60};
  std::optional<std::uint16_t> max_credits;

  // Sizes in bytes; nothing given: as large as server and kernel allow.
  std::optional<std::uint32_t> read_size;
  std::optional<std::uint32_t> write_size;
  std::uint32_t block_size = 1024 * 1024;

  // Caching.
  CacheMode cache = CacheMode::strict;
  std::uint64_t cache_size = std::uint64_t{512} << 20;  // bytes of memory, for data of all files
  std::chrono::seconds file_attribute_timeout{1};
  std::chrono::seconds directory_attribute_timeout{1};
  bool lazy_close = false;  // close(2) does not wait for what was written under a right to keep it
  bool strict_sync = true;  // fsync also makes the server flush
  bool locks = true;        // byte-range locks reach the server
  bool prefetch = true;     // list ahead of programs that walk a tree

  // What is shown and how names, links and locks are mapped.
  uid_t uid;  // the invoking user's unless given
  gid_t gid;
  bool force_uid = false;  // show `uid` even where the server tells owners
  bool force_gid = false;
  mode_t file_mode = 0755;
  mode_t directory_mode = 0755;
  bool server_inodes = true;
  bool unix_extensions = true;  // of SMB1, where the server has them
  client::NameMapping name_mapping = client::NameMapping::sfm;
  std::string code_page{client::kUsualCodePage};  // of SMB1, where the server has no Unicode

  KernelFlags kernel;

  MountOptions();
};

enum class OptionGroup : std::uint8_t { logon, connection, caching, ownership, names, general, ignored, unsupported };

// What rows work on: MountOptions and what is decided only when all options are known.
struct OptionDraft;

// One row of the table.
struct OptionRow {
  // Puts the value into the draft; a sentence's end ("expected ...") when the value is wrong.
  using Apply = std::optional<std::string> (*)(OptionDraft& draft, std::string_view value);

  std::vector<std::string_view>
      names;                  // the documented one first, then its aliases; "x-*" stands for all that begin so
  std::string_view argument;  // "" takes none; "NAME" needs one; "[NAME]" may have one
  OptionGroup group;
  std::string_view meaning;  // why, where the group is ignored or unsupported
  Apply apply = nullptr;     // null where the group is ignored or unsupported
};

std::span<const OptionRow> option_table();

// The row that `name` belongs to; null when there is none.
const OptionRow* find_option(std::string_view name);

struct ParsedOptions {
  MountOptions options;
  std::vector<std::string> warnings;
};

// The lists in the order given, split at commas, `\,` being a comma and `\\` a backslash within an item; the last of
// several settings of one thing wins. First of all the passwords in the lists are taken out and overwritten with 'x',
// in place. `sloppy`: unknown options are warned about instead of refused.
Checked<ParsedOptions> parse_options(std::span<char* const> lists, bool sloppy);

// What libfuse takes after -o: "ro,nosuid,nodev,fsname=//nas/media,subtype=smb3fuse", commas in values escaped.
std::string kernel_option_list(const KernelFlags& flags);

}  // namespace smb3fuse::fs
