// SPDX-License-Identifier: Apache-2.0
// Lists by remote administration, against a scripted server: answers in parts, lists that are longer than an answer.
#include "smb/client/smb1_rap.h"

#include "smb/rap/rap.h"
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using test::Smb1Request;
using Named = std::vector<std::pair<std::string, std::string>>;  // names and comments

test::Smb1ServerOptions with_pipes() {
  test::Smb1ServerOptions options;
  options.service = "IPC";
  return options;
}

void append16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value));
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
}

// [MS-RAP] 2.5.6.3, 2.5.5.3: status, converter, entries here and in all.
Bytes head(std::size_t status, std::size_t returned, std::size_t available) {
  Bytes bytes;
  for (const std::size_t word : {status, std::size_t{0}, returned, available}) append16(bytes, word);
  return bytes;
}

// Entries of `size` bytes that begin with a name and end with a pointer to a comment behind all of them.
Bytes entries(std::size_t size, const Named& named) {
  Bytes fixed;
  Bytes comments;
  for (const auto& [name, comment] : named) {
    Bytes entry(name.begin(), name.end());
    entry.resize(size - 4);
    append16(entry, named.size() * size + comments.size());
    append16(entry, 0);
    fixed.insert(fixed.end(), entry.begin(), entry.end());
    comments.insert(comments.end(), comment.begin(), comment.end());
    comments.push_back(0);
  }
  fixed.insert(fixed.end(), comments.begin(), comments.end());
  return fixed;
}

constexpr std::size_t kShareEntry = 20;
constexpr std::size_t kServerEntry = 26;

// Each list is a connection of its own, and a room is there for one.
struct RapRoom : Smb1Room {
  RapRoom() : Smb1Room(with_pipes()) {}

  tl::expected<std::vector<ListedShare>, ConnectError> shares() {
    ConnectConfig asked = config_of_a_list();
    return finish(list_shares_by_rap(runtime, dialer, std::move(asked)));
  }
  tl::expected<std::vector<ListedServer>, ConnectError> servers(std::string group) {
    ConnectConfig asked = config_of_a_list();
    return finish(list_servers(runtime, dialer, std::move(asked), std::move(group)));
  }
  ConnectConfig config_of_a_list() const {
    ConnectConfig asked;
    asked.server = config.server;
    asked.min_dialect = asked.max_dialect = kSmb1Dialect;
    asked.code_page = config.code_page;
    asked.credentials = config.credentials.clone();
    return asked;
  }
  void answer_with(test::Smb1Reply reply) { server.once(Command::transaction, std::move(reply)); }
  // The parameters of the questions that the server was asked, in their order. [MS-CIFS] 2.2.4.33.1
  std::vector<Bytes> questions() const {
    constexpr std::size_t kCountAt = cifs::kHeaderSize + 1 + 18;
    constexpr std::size_t kOffsetAt = kCountAt + 2;
    std::vector<Bytes> asked;
    for (const Smb1Request& request : server.requests) {
      if (request.header.command != Command::transaction) continue;
      const ByteView message(request.message);
      const ByteView parameters = message.subspan(wire::load_le<std::uint16_t>(message.data() + kOffsetAt),
                                                  wire::load_le<std::uint16_t>(message.data() + kCountAt));
      asked.emplace_back(parameters.begin(), parameters.end());
    }
    return asked;
  }
};

Named named(const std::vector<ListedServer>& listed) {
  Named names;
  for (const ListedServer& server : listed) names.emplace_back(server.name, server.comment);
  return names;
}

TEST(Smb1Rap, TellsSharesInTheCodePage) {
  RapRoom room;
  Bytes data = entries(kShareEntry, {{"Gr\x94\xE1\x65", "sch\x94n"}, {"IPC$", ""}});
  constexpr std::size_t kTypeAt = 14;
  data[kShareEntry + kTypeAt] = 3;
  room.answer_with(test::reply_to_transaction(head(0, 2, 2), data));
  const auto listed = room.shares();
  ASSERT_TRUE(listed) << listed.error().sentence;
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->front().name, "Gr\u00f6\u00dfe");
  EXPECT_EQ(listed->front().comment, "sch\u00f6n");
  EXPECT_EQ(listed->front().kind, ShareKind::disk);
  EXPECT_TRUE(listed->back().special);
}

TEST(Smb1Rap, ShowsAQuestionMarkForWhatIsNoTextInTheCodePage) {
  RapRoom room;
  room.config.code_page = "ASCII";
  room.answer_with(test::reply_to_transaction(head(0, 1, 1), entries(kShareEntry, {{"Gr\x94\xE1\x65", ""}})));
  EXPECT_EQ(room.shares()->front().name, "Gr??e");
}

TEST(Smb1Rap, PutsAnAnswerInPartsTogether) {
  RapRoom room;
  const Bytes parameters = head(0, 2, 2);
  const Bytes data = entries(kShareEntry, {{"films", "moving"}, {"music", "sounding"}});
  room.server.once(Command::transaction, [&](const Smb1Request& request) {
    const ByteView all(data);
    room.server.answer(
        request,
        test::reply_to_transaction_part({parameters.size(), all.size(), 0, 0, ByteView(parameters), all.first(30)}),
        false);
    room.server.answer(request, test::reply_to_transaction_part(
                                    {parameters.size(), all.size(), parameters.size(), 30, {}, all.subspan(30)}));
    return std::nullopt;
  });
  const auto listed = room.shares();
  ASSERT_TRUE(listed) << listed.error().sentence;
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->back().name, "music");
  EXPECT_EQ(listed->back().comment, "sounding");
}

// A list of shares cannot be asked for from somewhere on.
TEST(Smb1Rap, TellsALongListOfSharesAsFarAsItGoes) {
  RapRoom room;
  const Bytes data = entries(kShareEntry, {{"films", "moving"}});
  room.answer_with(test::reply_to_transaction(head(rap::kMoreData, 1, 3), data, NtStatus::STATUS_BUFFER_OVERFLOW));
  const auto listed = room.shares();
  ASSERT_TRUE(listed) << listed.error().sentence;
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().name, "films");
  EXPECT_EQ(room.questions().size(), 1u);
}

TEST(Smb1Rap, AsksForTheRestOfALongListOfServers) {
  RapRoom room;
  room.answer_with(
      test::reply_to_transaction(head(rap::kMoreData, 2, 3), entries(kServerEntry, {{"ANT", "a"}, {"BEE", "b"}})));
  room.answer_with(
      test::reply_to_transaction(head(rap::kMoreData, 2, 2), entries(kServerEntry, {{"BEE", "b"}, {"COW", "c"}})));
  room.answer_with(test::reply_to_transaction(head(0, 2, 2), entries(kServerEntry, {{"COW", "c"}, {"DOG", "d"}})));
  const auto listed = room.servers("ZOO");
  ASSERT_TRUE(listed) << listed.error().sentence;
  EXPECT_EQ(named(*listed), (Named{{"ANT", "a"}, {"BEE", "b"}, {"COW", "c"}, {"DOG", "d"}}));
  EXPECT_EQ(room.questions(), (std::vector<Bytes>{rap::encode_server_enum(rap::kAllTypes, "ZOO"),
                                                  rap::encode_server_enum_from(rap::kAllTypes, "ZOO", "BEE"),
                                                  rap::encode_server_enum_from(rap::kAllTypes, "ZOO", "COW")}));
}

TEST(Smb1Rap, TellsServersAsFarAsAServerGoesOn) {
  const Bytes first = entries(kServerEntry, {{"ANT", "a"}});
  for (const test::Smb1Reply& rest :
       {test::refuse_in_smb1(NtStatus::STATUS_NOT_SUPPORTED), test::reply_to_transaction(head(50, 0, 0), {}),
        test::reply_to_transaction(head(rap::kMoreData, 1, 3), first), test::reply_to_transaction({}, {})}) {
    RapRoom room;
    room.answer_with(test::reply_to_transaction(head(rap::kMoreData, 1, 3), first));
    room.answer_with(rest);
    const auto listed = room.servers("ZOO");
    ASSERT_TRUE(listed) << listed.error().sentence;
    EXPECT_EQ(named(*listed), (Named{{"ANT", "a"}}));
  }
}

TEST(Smb1Rap, NamesTheGroupInTheCodePage) {
  RapRoom room;
  room.answer_with(test::reply_to_transaction(head(0, 0, 0), {}));
  EXPECT_TRUE(room.servers("GR\u00d6\u00dfE"));
  EXPECT_EQ(room.questions().front(), rap::encode_server_enum(rap::kAllTypes, "GR\x99\xE1\x45"));
  RapRoom another;
  const auto refused = another.servers("\u65e5\u672c");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sentence,
            "the server does not tell what it knows: the group's name cannot be said in code page 850, see codepage=");
}

TEST(Smb1Rap, TellsRefusals) {
  const std::pair<test::Smb1Reply, const char*> refusals[] = {
      {test::refuse_in_smb1(NtStatus::STATUS_ACCESS_DENIED), "STATUS_ACCESS_DENIED"},
      {test::reply_to_transaction(head(5, 0, 0), {}), "Win32 error 5"},
      {test::reply_to_transaction(head(0, 9, 9), entries(kShareEntry, {{"films", ""}})), "its answer makes no sense"}};
  for (const auto& [reply, why] : refusals) {
    RapRoom of_shares;
    of_shares.answer_with(reply);
    EXPECT_EQ(of_shares.shares().error().sentence, std::string("the server does not tell what it knows: ") + why);
    RapRoom of_servers;
    of_servers.answer_with(reply);
    EXPECT_EQ(of_servers.servers("ZOO").error().sentence,
              std::string("the server does not tell what it knows: ") + why);
  }
}

TEST(Smb1Rap, AFolderIsNoPipe) {
  RapRoom room;
  room.server.options.service = "A:";
  ASSERT_FALSE(room.shares());
  EXPECT_TRUE(room.questions().empty());
}

}  // namespace
}  // namespace smb3fuse::client
