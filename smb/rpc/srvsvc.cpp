// SPDX-License-Identifier: Apache-2.0
#include "smb/rpc/srvsvc.h"

#include "smb/rpc/ndr.h"

namespace smb3fuse::rpc {
namespace {

constexpr std::uint32_t kLevel = 1;
constexpr std::uint32_t kNoBound = 0xFFFFFFFF;
constexpr std::uint32_t kKindMask = 0x0000FFFF;
constexpr std::uint32_t kSpecial = 0x80000000;

struct Entry {
  std::uint32_t name = 0;  // whether the pointer is null
  std::uint32_t type = 0;
  std::uint32_t comment = 0;
};

std::vector<ShareInfo> take_shares(NdrReader& reader, std::uint32_t count) {
  constexpr std::size_t kEntry = 12;
  std::vector<ShareInfo> shares;
  if (reader.u32() != count || count > reader.remaining() / kEntry) {
    reader.fail();
    return shares;
  }
  std::vector<Entry> entries(count);
  for (Entry& entry : entries) {
    entry.name = reader.u32();
    entry.type = reader.u32();
    entry.comment = reader.u32();
  }
  // What the pointers point to follows them, in their order. [C706] 14.3.12.3
  for (const Entry& entry : entries) {
    ShareInfo share;
    if (entry.name != 0) share.name = reader.string();
    if (entry.comment != 0) share.comment = reader.string();
    share.kind = static_cast<ShareKind>(entry.type & kKindMask);
    share.special = (entry.type & kSpecial) != 0;
    if (!reader.ok()) break;
    shares.push_back(std::move(share));
  }
  return shares;
}

}  // namespace

Bytes encode_share_enum(std::u16string_view server, std::uint32_t resume) {
  NdrWriter writer;
  writer.pointer();
  writer.string(server);
  writer.u32(kLevel);
  writer.u32(kLevel);  // which arm of the union
  writer.pointer();
  writer.u32(0);  // an empty SHARE_INFO_1_CONTAINER
  writer.null();
  writer.u32(kNoBound);  // PreferedMaximumLength
  writer.pointer();
  writer.u32(resume);
  return writer.take();
}

std::optional<ShareEnumeration> decode_share_enum(ByteView stub) {
  NdrReader reader(stub);
  ShareEnumeration result;
  if (reader.u32() != kLevel || reader.u32() != kLevel) return std::nullopt;
  if (reader.u32() != 0) {
    const std::uint32_t count = reader.u32();
    if (reader.u32() != 0) result.shares = take_shares(reader, count);
  }
  reader.u32();  // TotalEntries
  if (reader.u32() != 0) result.resume = reader.u32();
  result.status = reader.u32();
  return reader.ok() ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace smb3fuse::rpc
