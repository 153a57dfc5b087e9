// SPDX-License-Identifier: Apache-2.0
// The messages that a share sends in SMB1: what is the same in all of them is decided here. Paths are those of
// to_wire_path(), with the mounted folder in front; a '\' in front of them is added here. They fit the server's
// character set: the share has looked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/buffer.h"
#include "smb/cifs/file.h"
#include "smb/cifs/paths.h"
#include "smb/cifs/trans2.h"
#include "smb/client/attributes.h"
#include "smb/client/lock_table.h"
#include "smb/smb1/connection.h"

namespace smb3fuse::client {

// What an NT_CREATE_ANDX of ours decides. The rest is always the same, as in CreateParameters of SMB2.
struct NtCreateParameters {
  std::u16string path;
  std::uint32_t desired_access = 0;
  wire::CreateDisposition create_disposition = wire::CreateDisposition::open;
  std::uint32_t create_options = 0;
  std::uint32_t file_attributes = 0;
  bool ask_oplock = false;
};

class Smb1Requests {
 public:
  Smb1Requests(std::uint16_t tree_id, const smb1::Negotiated& negotiated)
      : tree_id_(tree_id), negotiated_(negotiated) {}

  const cifs::CharacterSet& character_set() const { return negotiated_.character_set; }
  // Its size. What is asked for by these requests lies within it.
  std::uint64_t largest_file() const { return has_large_files() ? UINT64_MAX : cifs::kLargestFile32; }

  // From now on paths have '/' in front and between their parts, and the server takes names as POSIX has them. What
  // else the UNIX extensions allow is in smb1_unix_requests.h.
  void use_unix_extensions() { is_unix_ = true; }
  bool is_unix() const { return is_unix_; }

  // From now on only the first command of what would be a chain goes out: whoever misses the rest in the answer asks
  // for it.
  void take_no_chains() { chains_ = false; }

  // NT_CREATE_ANDX, and READ_ANDX in one message with it if `first_read` is not 0. The FID in what follows is taken
  // from the first block.
  smb1::Outgoing create(const NtCreateParameters& parameters, std::uint32_t first_read = 0) const;
  // NT_CREATE_ANDX, READ_ANDX and CLOSE in one message.
  smb1::Outgoing read_whole(const NtCreateParameters& parameters, std::uint32_t length) const;
  // NT_CREATE_ANDX and CLOSE behind what is in the message, whose tree is theirs: for the attributes of `path`.
  void add_look(cifs::MessageBuilder& builder, const std::u16string& path) const;
  smb1::Outgoing close(std::uint16_t fid) const;
  smb1::Outgoing flush(std::uint16_t fid) const;
  smb1::Outgoing read(std::uint16_t fid, std::uint64_t offset, std::uint32_t length) const;
  smb1::Outgoing write(std::uint16_t fid, std::uint64_t offset, std::vector<cache::Buffer> data,
                       bool write_through) const;
  // WRITE_ANDX and CLOSE in one message, for what is short: `data` is copied.
  smb1::Outgoing write_and_close(std::uint16_t fid, ByteView data) const;
  // All of one kind.
  // The server first gives up `unlocks`, and then takes `locks`, all of them as `kind` says, or none.
  smb1::Outgoing lock(std::uint16_t fid, std::span<const RangeLock> unlocks, std::span<const RangeLock> locks,
                      LockKind kind) const;
  smb1::Outgoing acknowledge(std::uint16_t fid, bool keeps_level_ii) const;

  smb1::Outgoing create_directory(const std::u16string& path) const;
  smb1::Outgoing delete_directory(const std::u16string& path) const;
  smb1::Outgoing remove(const std::u16string& path) const;
  smb1::Outgoing rename(const std::u16string& from, const std::u16string& to) const;
  smb1::Outgoing link(const std::u16string& existing, const std::u16string& new_path) const;

  // All that Attributes are made of, but for the file's id; and that, where the server knows pass-through levels.
  smb1::Outgoing query_all(const std::u16string& path) const;
  smb1::Outgoing query_all(std::uint16_t fid) const;
  smb1::Outgoing query_internal(const std::u16string& path) const;
  smb1::Outgoing query_fs(wire::FsInformationClass what, std::uint16_t without_pass_through) const;
  bool has_pass_through() const { return negotiated_.has(cifs::CAP_INFOLEVEL_PASSTHRU); }

  smb1::Outgoing set_basic(const std::u16string& path, const AttributeChanges& changes) const;
  smb1::Outgoing set_basic(std::uint16_t fid, const AttributeChanges& changes) const;
  smb1::Outgoing set_end_of_file(const std::u16string& path, std::uint64_t end_of_file) const;
  smb1::Outgoing set_end_of_file(std::uint16_t fid, std::uint64_t end_of_file) const;
  // FileRenameInformation, by pass-through.
  smb1::Outgoing set_name(const std::u16string& path, const std::u16string& name, bool replace) const;

  // A TRANSACTION2 with what is in no other request here.
  smb1::Outgoing transact2(cifs::Trans2 subcommand, ByteView parameters, ByteView data, std::uint16_t max_data) const;
  cifs::Text text(std::u16string_view text) const { return character_set().text(text); }
  cifs::Text path_text(const std::u16string& path) const { return text((is_unix_ ? u'/' : u'\\') + path); }

  // From now on listings come without the files' ids, which are younger than the rest of them.
  void list_without_ids() { lists_ids_ = false; }
  bool lists_ids() const { return lists_ids_; }
  // `pattern`: a path whose last component is "*".
  smb1::Outgoing find_first(const std::u16string& pattern, std::uint16_t max_data) const;
  smb1::Outgoing find_next(std::uint16_t sid, const cifs::Text& last_name, std::uint16_t max_data) const;
  // Ends an enumeration that was not read to its end.
  smb1::Outgoing find_close(std::uint16_t sid) const;

  // NT_TRANSACT_NOTIFY_CHANGE: answered when something has changed.
  smb1::Outgoing notify_change(std::uint16_t fid, std::uint32_t completion_filter, std::uint32_t max_answer) const;

  smb1::Outgoing tree_disconnect() const;
  smb1::Outgoing logoff() const;

  smb1::Outgoing control(std::uint16_t fid, std::uint32_t ctl_code, ByteView input, std::uint32_t max_data) const;

 private:
  cifs::PathString path_string(const std::u16string& path) const { return {path_text(path)}; }
  smb1::Outgoing make(cifs::MessageBuilder builder) const;
  template <class Block>
  smb1::Outgoing make(const Block& block) const;
  template <class Parameters>
  smb1::Outgoing trans2(cifs::Trans2 subcommand, const Parameters& parameters, ByteView data,
                        std::uint16_t max_data) const;
  bool has_large_files() const { return negotiated_.has(cifs::CAP_LARGE_FILES); }
  void add_read(cifs::MessageBuilder& builder, std::uint16_t fid, std::uint64_t offset, std::uint32_t length) const;
  void add_write(cifs::MessageBuilder& builder, std::uint16_t fid, std::uint64_t offset, wire::Payload data,
                 std::uint16_t mode) const;
  cifs::NtCreateRequest create_request(const NtCreateParameters& parameters) const;
  std::uint16_t listing_level() const;

  std::uint16_t tree_id_;
  smb1::Negotiated negotiated_;
  bool is_unix_ = false;
  bool chains_ = true;
  bool lists_ids_ = true;
};

}  // namespace smb3fuse::client
