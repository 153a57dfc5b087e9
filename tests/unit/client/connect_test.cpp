// SPDX-License-Identifier: Apache-2.0
// From a name to a share: what is accepted, what is refused, and in which words.
#include <gtest/gtest.h>

#include "nbt/session.h"
#include "smb/client/share_status.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/query_info.h"
#include "smb/wire/session_setup.h"
#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerOptions;
using test::ServerRequest;
using wire::Command;

ServerOptions with_dialect(wire::Dialect dialect) {
  ServerOptions options;
  options.dialect = dialect;
  if (dialect == wire::Dialect::smb_2_0_2) options.capabilities = 0;
  if (dialect == wire::Dialect::smb_3_0 || dialect == wire::Dialect::smb_3_0_2) {
    options.capabilities |= wire::SMB2_GLOBAL_CAP_ENCRYPTION;
  }
  return options;
}

void hang_up(Room& room, Command command) {
  room.server.once(command, [&room](const ServerRequest&) {
    room.stream->lose(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
    return std::nullopt;
  });
}

// ---- what works

class ConnectInDialect : public testing::TestWithParam<wire::Dialect> {};

TEST_P(ConnectInDialect, TakesFiveRoundTripsAndNoOpenIsLeft) {
  Room room(with_dialect(GetParam()));
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.stream->send_calls(), 5u);
  EXPECT_EQ(room.files.opens(), 0u);
  EXPECT_TRUE(room.share->root_attributes().is_directory());
  EXPECT_FALSE(room.share->is_read_only());
}

TEST_P(ConnectInDialect, SignsEverythingWhereItIsDemanded) {
  Room room(with_dialect(GetParam()));
  room.config.require_signing = true;
  room.server.demand_signatures = true;
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_TRUE(room.finish(room.share->stat("a")));
}

TEST_P(ConnectInDialect, SignsEverythingWhereTheServerDemandsIt) {
  ServerOptions options = with_dialect(GetParam());
  options.security_mode |= wire::SMB2_NEGOTIATE_SIGNING_REQUIRED;
  Room room(options);
  room.server.demand_signatures = true;
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_TRUE(room.finish(room.share->stat("a")));
}

TEST_P(ConnectInDialect, SealsEverythingWhereItIsDemandedOrSaysThatItCannot) {
  Room room(with_dialect(GetParam()));
  room.config.require_sealing = true;
  if (GetParam() < wire::Dialect::smb_3_0) {
    return room.expect_refusal(ConnectStep::negotiate, "without encryption");
  }
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_TRUE(room.finish(room.share->stat("a")));
  for (const ServerRequest& request : room.server.requests) {
    const bool handshake =
        request.header.command == Command::negotiate || request.header.command == Command::session_setup;
    EXPECT_EQ(request.encrypted, !handshake) << wire::name_of(request.header.command);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConnectInDialect,
                         testing::Values(wire::Dialect::smb_2_0_2, wire::Dialect::smb_2_1, wire::Dialect::smb_3_0,
                                         wire::Dialect::smb_3_0_2, wire::Dialect::smb_3_1_1));

TEST(Connect, SealsWhereTheServersSessionDemandsIt) {
  ServerOptions options;
  options.session_flags = wire::SMB2_SESSION_FLAG_ENCRYPT_DATA;
  Room room(options);
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_TRUE(room.server.requests.back().encrypted);
}

TEST(Connect, SealsForAShareThatDemandsItInASessionThatDoesNot) {
  ServerOptions options;
  options.share_flags = wire::SMB2_SHAREFLAG_ENCRYPT_DATA;
  Room room(options);
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_TRUE(room.finish(room.share->stat("a")));
  for (const ServerRequest& request : room.server.requests) {
    const bool of_the_share = request.header.command >= Command::create;
    EXPECT_EQ(request.encrypted, of_the_share) << wire::name_of(request.header.command);
  }
}

TEST(Connect, RefusesAShareThatDemandsWhatTheConnectionCannot) {
  ServerOptions options = with_dialect(wire::Dialect::smb_2_1);
  options.share_flags = wire::SMB2_SHAREFLAG_ENCRYPT_DATA;
  Room room(options);
  room.expect_refusal(ConnectStep::tree_connect, "demands encryption");
}

TEST(Connect, OpensTheFolderOfTheShareThatIsMounted) {
  Room room;
  room.config.prefix = "sub/my dir";
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.files.created, std::vector<std::u16string>{u"sub\\my dir"});
  EXPECT_TRUE(room.finish(room.share->stat("x/y")));
  EXPECT_EQ(room.files.created.back(), u"sub\\my dir\\x\\y");
}

TEST(Connect, SaysWhenTheFolderIsNotThere) {
  Room room;
  room.config.prefix = "nowhere";
  room.server.once(Command::create, test::refuse(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND));
  room.expect_refusal(ConnectStep::tree_connect, "folder 'nowhere' of share 'media': STATUS_OBJECT_NAME_NOT_FOUND");
}

TEST(Connect, SpeaksToTheServerByItsNameAtTheAddressThatWasGiven) {
  Room room;
  room.config.address = "192.0.2.7";
  room.config.port = 1445;
  ASSERT_TRUE(room.connect());
  EXPECT_EQ(room.dialer.dialled, std::vector<std::string>{"192.0.2.7:1445"});
  for (const ServerRequest& request : room.server.requests) {
    if (request.header.command != Command::tree_connect) continue;
    EXPECT_EQ(request.as<wire::TreeConnectRequest>().path, u"\\\\nas\\media");
  }
}

TEST(Connect, LeavesItToTheDialerWhichPortASharesServerHas) {
  Room room;
  ASSERT_TRUE(room.connect());
  EXPECT_EQ(room.dialer.dialled, std::vector<std::string>{"nas"});
  EXPECT_EQ(room.share->status().port, 445);
}

// RFC 1002 4.3.1: lengths of 17 bits
TEST(Connect, AsksForNoLongerMessagesThanANetbiosSessionCarries) {
  Room room;
  room.on_accept = [](test::MemoryStream& stream) { stream.largest_frame = nbt::kMaximumSessionLength; };
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.share->maximum_read(), 65536u);
  EXPECT_EQ(room.share->maximum_write(), 65536u);
  Room wide;
  ASSERT_TRUE(wide.connect());
  EXPECT_EQ(wide.share->maximum_read(), 1u << 20);
}

TEST(Connect, TellsWhyAServerRefusesANetbiosSession) {
  Room room;
  room.config.port = 139;
  room.dialer.accept = [](const auto&) {
    return std::optional(DialError{false, nbt::SessionError::called_name_not_present});
  };
  room.expect_refusal(
      ConnectStep::connect,
      "no NetBIOS session with 'nas' port 139: the server does not have the name that it was called by; "
      "give the name that the server has for itself with servern=");
}

TEST(Connect, KnowsAShareThatMayNotBeWritten) {
  ServerOptions options;
  options.maximal_access = wire::FILE_READ_DATA;
  Room room(options);
  ASSERT_TRUE(room.connect());
  EXPECT_TRUE(room.share->is_read_only());
}

TEST(Connect, LivesWithoutFileSystemAttributes) {
  Room room;
  room.server.once(Command::query_info, [](const ServerRequest& request) {
    const auto asked = request.as<wire::QueryInfoRequest>();
    EXPECT_EQ(asked.info_type, wire::InfoType::file);
    const Bytes output = wire::encode(wire::FileStandardInformation{4096, 0, 1, false, true});
    wire::QueryInfoResponse response;
    response.output_buffer = output;
    return test::reply_with(response);
  });
  room.server.once(Command::query_info, test::refuse(NtStatus::STATUS_NOT_SUPPORTED));
  EXPECT_TRUE(room.connect()) << room.error.sentence;
}

// ---- who we are

TEST(Authentication, SaysThatThePasswordIsWrong) {
  Room room;
  room.config.credentials.secret = crypto::Secret(std::string_view("wrong"));
  room.expect_refusal(ConnectStep::authenticate, "STATUS_LOGON_FAILURE");
  EXPECT_NE(room.error.sentence.find("'alice'"), std::string::npos);
  EXPECT_EQ(room.error.sentence.find("wrong"), std::string::npos);
}

TEST(Authentication, RefusesToBecomeAGuestUnasked) {
  ServerOptions options;
  options.session_flags = wire::SMB2_SESSION_FLAG_IS_GUEST;
  Room room(options);
  room.expect_refusal(ConnectStep::authenticate, "guest");
}

TEST(Authentication, RefusesToBecomeNobodyUnasked) {
  ServerOptions options;
  options.session_flags = wire::SMB2_SESSION_FLAG_IS_NULL;
  Room room(options);
  room.expect_refusal(ConnectStep::authenticate, "anonymous");
}

TEST(Authentication, AsAGuestWorksWhenAskedFor) {
  ServerOptions options;
  options.session_flags = wire::SMB2_SESSION_FLAG_IS_GUEST;
  options.user = "guest";
  options.password = "";
  Room room(options);
  room.config.credentials = {};
  room.config.credentials.kind = auth::Credentials::Kind::guest;
  EXPECT_TRUE(room.connect()) << room.error.sentence;
}

TEST(Authentication, AsNobodyWorksWhenAskedFor) {
  ServerOptions options;
  options.session_flags = wire::SMB2_SESSION_FLAG_IS_NULL;
  Room room(options);
  room.config.credentials = {};
  room.config.credentials.kind = auth::Credentials::Kind::anonymous;
  EXPECT_TRUE(room.connect()) << room.error.sentence;
}

TEST(Authentication, AsAGuestCannotKeepADemandForSigning) {
  ServerOptions options;
  options.session_flags = wire::SMB2_SESSION_FLAG_IS_GUEST;
  options.user = "guest";
  options.password = "";
  Room room(options);
  room.config.credentials = {};
  room.config.credentials.kind = auth::Credentials::Kind::guest;
  room.config.require_signing = true;
  room.expect_refusal(ConnectStep::authenticate, "no key");
}

TEST(Authentication, DoesNotBelieveASuccessBeforeThePasswordWasProved) {
  Room room;
  room.server.once(Command::session_setup,
                   [](const ServerRequest&) { return test::reply_with(wire::SessionSetupResponse{}); });
  room.expect_refusal(ConnectStep::authenticate, "");
}

TEST(Authentication, EndsWithAServerThatAsksWithoutEnd) {
  Room room;
  room.server.on(Command::session_setup, [](const ServerRequest&) {
    test::NtlmAcceptor acceptor("alice", "x");
    const Bytes challenge = acceptor.challenge();
    wire::SessionSetupResponse response;
    response.security_buffer = challenge;
    return test::reply_with(response, NtStatus::STATUS_MORE_PROCESSING_REQUIRED);
  });
  room.expect_refusal(ConnectStep::authenticate, "");
  EXPECT_LE(room.server.count(Command::session_setup), 8u);
}

// ---- somebody on the way

TEST(Downgrade, OfTheDialectsOf311IsFound) {
  Room room(with_dialect(wire::Dialect::smb_3_1_1));
  room.expect_complaints = true;
  room.on_accept = [](test::MemoryStream& stream) {
    stream.edit_to_server = [](Bytes& message) {
      if (message[12] == 0) message[64 + 4] |= wire::SMB2_NEGOTIATE_SIGNING_REQUIRED;
    };
  };
  room.expect_refusal(ConnectStep::authenticate, "tampering");
}

TEST(Downgrade, OfTheCapabilitiesOf30IsFound) {
  Room room(with_dialect(wire::Dialect::smb_3_0));
  room.on_accept = [](test::MemoryStream& stream) {
    stream.edit_to_client = [](Bytes& message) {
      if (message[12] == 0) message[64 + 24] &= static_cast<std::uint8_t>(~wire::SMB2_GLOBAL_CAP_ENCRYPTION);
    };
  };
  room.expect_refusal(ConnectStep::tree_connect, "tampering");
}

TEST(Downgrade, IsNotHiddenByRefusingToValidateInPlain) {
  Room room(with_dialect(wire::Dialect::smb_3_0_2));
  room.on_accept = [](test::MemoryStream& stream) {
    stream.edit_to_client = [](Bytes& message) {
      if (message[12] != static_cast<std::uint8_t>(Command::ioctl)) return;
      message[16] &= static_cast<std::uint8_t>(~wire::SMB2_FLAGS_SIGNED);
      wire::store_le(message.data() + 8, NtStatus::STATUS_NOT_SUPPORTED);
    };
  };
  ASSERT_FALSE(room.connect());
}

TEST(ValidateNegotiate, MayBeRefusedByAServerThatSignsItsRefusal) {
  for (const NtStatus status : {NtStatus::STATUS_FILE_CLOSED, NtStatus::STATUS_INVALID_DEVICE_REQUEST}) {
    Room room(with_dialect(wire::Dialect::smb_3_0));
    room.server.once(Command::ioctl, test::refuse(status));
    EXPECT_TRUE(room.connect()) << room.error.sentence;
  }
}

TEST(ValidateNegotiate, MayBeAnsweredLast) {
  Room room(with_dialect(wire::Dialect::smb_3_0));
  std::optional<ServerRequest> kept;
  room.server.once(Command::ioctl, [&](const ServerRequest& request) {
    kept = request;
    return std::nullopt;
  });
  room.server.once(Command::close, [&](const ServerRequest&) {
    room.runtime.post([&] {
      wire::IoctlResponse response;
      response.ctl_code = wire::FSCTL_VALIDATE_NEGOTIATE_INFO;
      room.server.answer(*kept, test::refuse(NtStatus::STATUS_FILE_CLOSED));
    });
    return test::reply_with(wire::CloseResponse{});
  });
  EXPECT_TRUE(room.connect()) << room.error.sentence;
}

TEST(ValidateNegotiate, IsNotAskedIn311OrBefore30) {
  for (const wire::Dialect dialect : {wire::Dialect::smb_2_1, wire::Dialect::smb_3_1_1}) {
    Room room(with_dialect(dialect));
    ASSERT_TRUE(room.connect());
    EXPECT_EQ(room.server.count(Command::ioctl), 0u);
  }
}

// ---- refusals, each by its name

TEST(Refusal, NamesTheStepAndWhatToDo) {
  struct Case {
    Command command;
    NtStatus status;
    ConnectStep step;
    const char* words;
  };
  for (const Case& c : {
           Case{Command::negotiate, NtStatus::STATUS_NOT_SUPPORTED, ConnectStep::negotiate, "vers="},
           Case{Command::session_setup, NtStatus::STATUS_ACCOUNT_LOCKED_OUT, ConnectStep::authenticate, "locked"},
           Case{Command::session_setup, NtStatus::STATUS_PASSWORD_EXPIRED, ConnectStep::authenticate, "expired"},
           Case{Command::session_setup, NtStatus::STATUS_ACCOUNT_DISABLED, ConnectStep::authenticate, "disabled"},
           Case{Command::session_setup, NtStatus::STATUS_ACCESS_DENIED, ConnectStep::authenticate, "denies"},
           Case{Command::tree_connect, NtStatus::STATUS_BAD_NETWORK_NAME, ConnectStep::tree_connect, "no share"},
           Case{Command::tree_connect, NtStatus::STATUS_ACCESS_DENIED, ConnectStep::tree_connect, "denies"},
           Case{Command::tree_connect, NtStatus::STATUS_PATH_NOT_COVERED, ConnectStep::tree_connect, "DFS"},
           Case{Command::tree_connect, NtStatus::STATUS_INSUFFICIENT_RESOURCES, ConnectStep::tree_connect,
                "STATUS_INSUFFICIENT_RESOURCES"},
           Case{Command::create, NtStatus::STATUS_PATH_NOT_COVERED, ConnectStep::tree_connect, "DFS"},
           Case{Command::create, NtStatus::STATUS_ACCESS_DENIED, ConnectStep::tree_connect, "STATUS_ACCESS_DENIED"},
       }) {
    Room room;
    room.server.once(c.command, test::refuse(c.status));
    room.expect_refusal(c.step, c.words);
    EXPECT_EQ(room.error.error, c.status);
  }
}

TEST(Refusal, OfWhatIsNoFolder) {
  for (const wire::ShareType type : {wire::ShareType::pipe, wire::ShareType::print}) {
    ServerOptions options;
    options.share_type = type;
    Room room(options);
    room.expect_refusal(ConnectStep::tree_connect, type == wire::ShareType::print ? "printer" : "pipe");
  }
}

TEST(Refusal, WhereNoDialectIsInCommon) {
  Room room(with_dialect(wire::Dialect::smb_2_1));
  room.config.min_dialect = 0x0300;
  room.expect_refusal(ConnectStep::negotiate, "none of the dialects");
}

TEST(Refusal, OfANameWithoutAnAddress) {
  Room room;
  room.dialer.accept = [](const auto&) { return DialError{true, std::make_error_code(std::errc::host_unreachable)}; };
  room.expect_refusal(ConnectStep::resolve, "no address is known for 'nas'");
}

TEST(Refusal, WhereNobodyListens) {
  Room room;
  room.dialer.accept = [](const auto&) {
    return DialError{false, std::make_error_code(std::errc::connection_refused)};
  };
  room.expect_refusal(ConnectStep::connect, "no SMB server listens there");
}

TEST(Refusal, OfAServerThatSpeaksOnlySmb1) {
  Room room;
  hang_up(room, Command::negotiate);
  int connections = 0;
  room.on_accept = [&](test::MemoryStream& stream) {
    if (++connections == 1) return;
    stream.to_server = [&stream](const Bytes& message) {
      EXPECT_EQ(wire::protocol_id_of(message), wire::kSmb1ProtocolId);
      stream.deliver(Bytes{0xFF, 'S', 'M', 'B', 0x72, 0, 0, 0, 0, 0x98});
    };
  };
  room.expect_refusal(ConnectStep::negotiate, "only SMB1");
  EXPECT_EQ(connections, 2);
}

TEST(Refusal, OfAServerThatHangsUpOnEverything) {
  Room room;
  hang_up(room, Command::negotiate);
  int connections = 0;
  room.on_accept = [&](test::MemoryStream& stream) {
    if (++connections == 2) stream.lose(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
  };
  room.expect_refusal(ConnectStep::negotiate, "hung up");
}

TEST(Refusal, OfAnotherProtocolOnThePort) {
  Room room;
  room.on_accept = [](test::MemoryStream& stream) {
    // What asio_transport says of "HTTP": not a frame.
    stream.to_server = [&stream](const Bytes&) {
      stream.lose(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE));
    };
  };
  room.expect_refusal(ConnectStep::negotiate, "not an SMB server");
}

TEST(Refusal, OfAServerThatSaysNothing) {
  Room room;
  room.server.once(Command::negotiate, [](const ServerRequest&) { return std::nullopt; });
  room.expect_refusal(ConnectStep::negotiate, "does not answer");
}

}  // namespace
}  // namespace smb3fuse::client
