// SPDX-License-Identifier: Apache-2.0
// Chains of blocks, listings and transactions in parts.
#include "smb/cifs/file.h"
#include "smb/cifs/session.h"
#include "smb/cifs/trans2.h"
#include "smb/cifs/transaction.h"
#include "tests/unit/cifs/cifs_test.h"

namespace smb3fuse::cifs {
namespace {

Bytes chain_of_three() {
  NtCreateRequest create;
  create.name = make_unicode(u"\\odd");
  ReadRequest read;
  read.fid = kNoId;
  MessageBuilder builder;
  builder.add(create).add(read).add(CloseRequest{kNoId});
  EXPECT_EQ(builder.command(), Command::nt_create_andx);
  Bytes message = builder.take();
  Header header;
  header.command = Command::nt_create_andx;
  const Bytes head = wire::encode(header);
  std::copy(head.begin(), head.end(), message.begin());
  return message;
}

TEST(AndX, LinksEachBlockToTheNextOne) {
  const Bytes message = chain_of_three();
  const auto blocks = split_blocks(message);
  ASSERT_TRUE(blocks);
  ASSERT_EQ(blocks->size(), 3u);
  EXPECT_EQ((*blocks)[0].command, Command::nt_create_andx);
  EXPECT_EQ((*blocks)[1].command, Command::read_andx);
  EXPECT_EQ((*blocks)[2].command, Command::close);
  EXPECT_EQ(decode<ReadRequest>((*blocks)[1])->fid, kNoId);
  EXPECT_EQ(((*blocks)[1].words_at - 1) % 4, 0u);
}

TEST(AndX, GoesForwardAndStaysInTheMessage) {
  const Bytes good = chain_of_three();
  const std::size_t second = split_blocks(good)->at(1).words_at;
  for (const std::size_t target : {std::size_t{0}, kHeaderSize, second - 1, good.size(), std::size_t{0xFFFF}}) {
    Bytes bad = good;
    wire::store_le(bad.data() + second + 2, static_cast<std::uint16_t>(target));
    EXPECT_FALSE(split_blocks(bad)) << target;
  }
}

TEST(AndX, IsNoLongerThanAnyChainThatIsAllowed) {
  MessageBuilder builder;
  for (std::size_t i = 0; i <= kMaximumBlocks; ++i) builder.add(ReadRequest());
  Bytes message = builder.take();
  message[4] = static_cast<std::uint8_t>(Command::read_andx);
  EXPECT_FALSE(split_blocks(message));
}

TEST(Listing, HasAsManyEntriesAsTheAnswerSays) {
  FindFileIdFullDirectoryInfo entry;
  const Bytes name = {'a', 0};
  entry.file_name = name;
  Bytes data;
  constexpr std::size_t kEntry = 88;
  for (int i = 0; i < 2; ++i) {
    entry.next_entry = kEntry;  // of the last one, too
    entry.file_id = static_cast<std::uint64_t>(i);
    wire::encode_to(data, entry);
    data.resize((static_cast<std::size_t>(i) + 1) * kEntry);
  }
  const auto both = split_entries<FindFileIdFullDirectoryInfo>(data, 2);
  ASSERT_TRUE(both);
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ((*both)[1].file_id, 1u);
  EXPECT_FALSE(split_entries<FindFileIdFullDirectoryInfo>(data, 3));
  wire::store_le(data.data(), std::uint32_t{0});
  EXPECT_FALSE(split_entries<FindFileIdFullDirectoryInfo>(data, 2));
  EXPECT_TRUE(split_entries<FindFileIdFullDirectoryInfo>({}, 0)->empty());
  EXPECT_FALSE(split_entries<FindFileIdFullDirectoryInfo>({}, 1));
}

TransactionPart part(std::size_t total, std::size_t at, ByteView data) {
  TransactionPart made;
  made.total_parameters = 2;
  made.total_data = total;
  made.data_at = at;
  made.data = data;
  return made;
}

TEST(TransactionAssembly, PutsPartsTogetherInAnyOrder) {
  static constexpr std::uint8_t kBytes[] = {1, 2, 3, 4};
  const ByteView bytes(kBytes);
  TransactionAssembly assembly;
  TransactionPart first = part(4, 2, bytes.subspan(2));
  first.parameters = bytes.first(2);
  ASSERT_TRUE(assembly.add(first));
  EXPECT_FALSE(assembly.is_complete());
  ASSERT_TRUE(assembly.add(part(4, 0, bytes.first(2))));
  ASSERT_TRUE(assembly.is_complete());
  EXPECT_EQ(Bytes(assembly.data().begin(), assembly.data().end()), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(Bytes(assembly.parameters().begin(), assembly.parameters().end()), (Bytes{1, 2}));
}

TEST(TransactionAssembly, RefusesPartsThatContradictEachOther) {
  static constexpr std::uint8_t kBytes[] = {1, 2, 3, 4};
  const ByteView bytes(kBytes);
  TransactionAssembly overlapping;
  ASSERT_TRUE(overlapping.add(part(4, 0, bytes.first(2))));
  EXPECT_FALSE(overlapping.add(part(4, 1, bytes.first(2))));
  TransactionAssembly growing;
  ASSERT_TRUE(growing.add(part(4, 0, bytes.first(2))));
  EXPECT_FALSE(growing.add(part(5, 2, bytes.first(2))));
  TransactionAssembly outside;
  EXPECT_FALSE(outside.add(part(4, 3, bytes.first(2))));
  TransactionAssembly huge;
  EXPECT_FALSE(huge.add(part(std::size_t{1} << 32, 0, bytes.first(2))));
}

TEST(TransactionAssembly, ReadsWhatASecondaryRequestCarries) {
  const Bytes parameters(100, 0x11);
  const Bytes data(3000, 0x22);
  Transaction2Request request;
  const Transaction2Messages messages = make_transaction2(request, parameters, data, 1024);
  ASSERT_EQ(messages.secondaries.size(), 3u);
  std::size_t carried = 0;
  const auto take = [&carried](const Bytes& message, Command command) {
    EXPECT_LE(message.size(), 1024u);
    Bytes copy = message;
    wire::store_le(copy.data(), wire::kSmb1ProtocolId);
    copy[4] = static_cast<std::uint8_t>(command);
    const auto blocks = split_blocks(copy);
    ASSERT_TRUE(blocks);
    if (command == Command::transaction2) {
      const auto first = decode<Transaction2Request>(blocks->front());
      ASSERT_TRUE(first);
      EXPECT_EQ(first->parameters.size(), 100u);
      EXPECT_EQ(first->total_data_count, 3000);
      carried += first->data.size();
    } else {
      const auto more = decode<Transaction2SecondaryRequest>(blocks->front());
      ASSERT_TRUE(more);
      EXPECT_EQ(more->data_displacement, carried);
      carried += more->data.size();
    }
  };
  take(messages.first, Command::transaction2);
  for (const Bytes& message : messages.secondaries) take(message, Command::transaction2_secondary);
  EXPECT_EQ(carried, 3000u);
}

}  // namespace
}  // namespace smb3fuse::cifs
