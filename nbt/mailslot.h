// SPDX-License-Identifier: Apache-2.0
// A write to a mailslot, as it stands in the data of a datagram: an SMB_COM_TRANSACTION of [MS-CIFS] 2.2.4.33 with the
// setup words of [MS-MAIL] 2.2.1; and the browser's messages in \MAILSLOT\BROWSE that finding servers takes.
// [MS-BRWS] 2.2. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nbt/wire.h"

namespace smb3fuse::nbt {

struct MailslotWrite {
  std::string mailslot;  // "\MAILSLOT\BROWSE"
  Bytes data;
};

inline constexpr std::string_view kBrowseMailslot = "\\MAILSLOT\\BROWSE";

Bytes encode(const MailslotWrite& write);
std::optional<MailslotWrite> decode_mailslot_write(ByteView bytes);

// Asks the master browser which servers have copies of its list. [MS-BRWS] 2.2.3
Bytes encode_backup_list_request(std::uint8_t count, std::uint32_t token);

// [MS-BRWS] 2.2.4
struct BackupList {
  std::uint32_t token = 0;
  std::vector<std::string> servers;
};
std::optional<BackupList> decode_backup_list(ByteView data);

// [MS-BRWS] 2.2.1, 2.2.10: what a server, or a master browser, tells of itself.
struct HostAnnouncement {
  bool is_master_browser = false;
  std::string server;
  std::uint32_t server_type = 0;
  std::string comment;
};
std::optional<HostAnnouncement> decode_host_announcement(ByteView data);

}  // namespace smb3fuse::nbt
