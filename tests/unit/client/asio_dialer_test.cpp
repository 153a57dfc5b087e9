// SPDX-License-Identifier: Apache-2.0
// Names resolved and doors tried over real sockets of the loopback interface: the ports, the broadcast address and the
// file are the test's. RFC 1002 4.3, 4.2.12, 4.2.17; the order of called names is that of the CIFS specification.
#include "smb/client/asio_dialer.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "nbt/name_packet.h"
#include "nbt/session.h"
#include "smb/client/asio_resolver.h"
#include "smb/client/race.h"

namespace smb3fuse::client {
namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using namespace std::chrono_literals;

const auto kLoopback = boost::asio::ip::address_v4::loopback();

// Takes session requests, writes down who was called, and answers as the test says.
class SessionServer {
 public:
  explicit SessionServer(boost::asio::io_context& context)
      : acceptor_(context, tcp::endpoint(kLoopback, 0)), socket_(context) {
    accept();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  std::function<nbt::Bytes(const std::string& called)> answer;  // empty: hangs up
  std::vector<std::string> called;

 private:
  void accept() {
    acceptor_.async_accept([this](auto error, tcp::socket socket) {
      if (error) return;
      socket_ = std::move(socket);
      read();
      accept();
    });
  }
  void read() {
    boost::asio::async_read(socket_, boost::asio::buffer(request_), [this](auto error, auto) {
      if (error) return;
      nbt::Reader reader(request_, nbt::kFrameHeaderSize);
      called.push_back(nbt::take_name(reader).text());
      nbt::take_name(reader);
      EXPECT_TRUE(reader.ok());
      const nbt::Bytes bytes = answer(called.back());
      boost::system::error_code ignored;
      boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
      if (bytes.empty() || bytes[0] != 0x82) socket_.close(ignored);
    });
  }

  tcp::acceptor acceptor_;
  tcp::socket socket_;
  std::array<std::uint8_t, 72> request_{};
};

// Answers queries for names and for the status of the node.
class NameServer {
 public:
  explicit NameServer(boost::asio::io_context& context) : socket_(context, udp::endpoint(kLoopback, 0)) { receive(); }
  std::uint16_t port() const { return socket_.local_endpoint().port(); }

  std::string name;  // the one that is known
  std::vector<nbt::Question> asked;
  std::vector<bool> broadcast;

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(packet_), from_, [this](auto error, auto size) {
      if (error) return;
      const auto query = nbt::decode_name_packet({packet_.data(), size});
      if (query && query->questions.size() == 1) answer(*query);
      receive();
    });
  }
  void answer(const nbt::NamePacket& query) {
    const nbt::Question& question = query.questions[0];
    asked.push_back(question);
    broadcast.push_back(query.broadcast);
    nbt::NamePacket packet = nbt::make_query_response(query.id, question.name, {kLoopback.to_bytes()});
    if (question.type == nbt::RecordType::nbstat) {
      nbt::NodeStatus status;
      status.names.push_back({*nbt::make_name(name, nbt::suffix::file_server)});
      packet = nbt::make_status_response(query.id, question.name, status);
    } else if (question.name.text() != name) {
      if (query.broadcast) return;
      packet.rcode = nbt::Rcode::name_error;
    }
    socket_.send_to(boost::asio::buffer(nbt::encode(packet)), from_);
  }

  udp::socket socket_;
  udp::endpoint from_;
  std::array<std::uint8_t, 1024> packet_{};
};

class AsioDialerTest : public testing::Test {
 protected:
  AsioDialerTest() {
    policy.resolve = {ResolveMethod::netbios};
    policy.broadcasts = std::vector<nbt::Ipv4>{kLoopback.to_bytes()};
    policy.name_port = names.port();
    policy.session_port = sessions.port();
    policy.direct_port = closed_port();
    policy.lmhosts_file = "/nonexistent/lmhosts";
    sessions.answer = [](const std::string&) { return nbt::Bytes{0x82, 0, 0, 0}; };
  }

  // Nobody listens there: what this socket is bound to, it does not listen on.
  std::uint16_t closed_port() {
    closed.open(tcp::v4());
    closed.bind(tcp::endpoint(kLoopback, 0));
    return closed.local_endpoint().port();
  }

  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    T value = co_await std::move(task);
    result.emplace(std::move(value));
  }
  template <class T>
  T finish(Task<T> task) {
    std::optional<T> result;
    spawn(keep(std::move(task), result));
    const auto until = Clock::now() + 30s;
    while (!result && Clock::now() < until) {
      context.restart();
      context.run_one_for(100ms);
    }
    EXPECT_TRUE(result) << "timed out";
    return std::move(*result);
  }
  Dialled dial(const std::string& host, std::optional<std::uint16_t> port = std::nullopt) {
    AsioDialer dialer(context, pool, policy);
    return finish(dialer.dial(host, port, 25s));
  }
  auto resolved(const std::string& host) { return finish(resolve(context, policy, host, Clock::now() + 20s)); }

  static nbt::Bytes refusal(std::uint8_t code) { return {0x83, 0, 0, 1, code}; }

  boost::asio::io_context context{1};
  cache::BufferPool pool;
  SessionServer sessions{context};
  NameServer names{context};
  tcp::socket closed{context};
  DialPolicy policy;
};

TEST_F(AsioDialerTest, GoesToTheSecondDoorWhereTheFirstIsClosed) {
  const Dialled stream = dial("127.0.0.1");
  ASSERT_TRUE(stream) << stream.error().error.message();
  EXPECT_EQ((*stream)->peer_port(), sessions.port());
  EXPECT_EQ((*stream)->largest_frame(), 0x1FFFFu) << "RFC 1002 4.3.1: 17 bits";
  EXPECT_EQ(sessions.called, std::vector<std::string>{"*SMBSERVER"});
}

TEST_F(AsioDialerTest, TakesTheFirstDoorWhereItIsOpen) {
  tcp::acceptor direct(context, tcp::endpoint(kLoopback, 0));
  policy.direct_port = direct.local_endpoint().port();
  const Dialled stream = dial("127.0.0.1");
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->peer_port(), policy.direct_port);
  EXPECT_EQ((*stream)->largest_frame(), 0xFFFFFFu);
  EXPECT_TRUE(sessions.called.empty());
}

TEST_F(AsioDialerTest, OpensASessionOnTheSessionPort) {
  ASSERT_TRUE(dial("127.0.0.1", sessions.port()));
  EXPECT_EQ(sessions.called.size(), 1u);
  policy.session = false;
  ASSERT_TRUE(dial("127.0.0.1", sessions.port()));
  EXPECT_EQ(sessions.called.size(), 1u) << "unless told not to";
}

TEST_F(AsioDialerTest, OpensASessionOnAnotherPortWhenTold) {
  policy.session_port = policy.direct_port;
  policy.session = true;
  ASSERT_TRUE(dial("127.0.0.1", sessions.port()));
  EXPECT_EQ(sessions.called.size(), 1u);
}

TEST_F(AsioDialerTest, CallsTheServerByEachName) {
  names.name = "BEHEMOTH";
  sessions.answer = [](const std::string& called) {
    return called == "BEHEMOTH" ? nbt::Bytes{0x82, 0, 0, 0} : refusal(0x82);
  };
  policy.resolve = {ResolveMethod::dns};
  ASSERT_TRUE(dial("localhost"));
  EXPECT_EQ(sessions.called, (std::vector<std::string>{"*SMBSERVER", "LOCALHOST", "BEHEMOTH"}));
}

TEST_F(AsioDialerTest, TellsWhyThereIsNoSession) {
  names.name = "BEHEMOTH";
  sessions.answer = [](const std::string&) { return refusal(0x82); };
  const Dialled stream = dial("127.0.0.1");
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().error, nbt::SessionError::called_name_not_present);
  EXPECT_FALSE(stream.error().resolving);
}

TEST_F(AsioDialerTest, GoesOnWhereAServerHangsUp) {
  names.name = "BEHEMOTH";
  sessions.answer = [](const std::string& called) {
    return called == "BEHEMOTH" ? nbt::Bytes{0x82, 0, 0, 0} : nbt::Bytes{};
  };
  ASSERT_TRUE(dial("127.0.0.1"));
}

TEST_F(AsioDialerTest, FollowsARetargeting) {
  SessionServer other(context);
  other.answer = [](const std::string&) { return nbt::Bytes{0x82, 0, 0, 0}; };
  sessions.answer = [&](const std::string&) {
    return nbt::Bytes{0x84,
                      0,
                      0,
                      6,
                      127,
                      0,
                      0,
                      1,
                      static_cast<std::uint8_t>(other.port() >> 8),
                      static_cast<std::uint8_t>(other.port())};
  };
  const Dialled stream = dial("127.0.0.1");
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->peer_port(), other.port());
}

TEST_F(AsioDialerTest, SaysThatNobodyListens) {
  const Dialled stream = dial("127.0.0.1", policy.direct_port);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().error, std::errc::connection_refused);
}

TEST_F(AsioDialerTest, ResolvesByBroadcast) {
  names.name = "MUSEUM";
  const auto found = resolved("museum");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, Addresses{kLoopback});
  EXPECT_EQ(names.broadcast, std::vector<bool>{true});
}

TEST_F(AsioDialerTest, ResolvesByNameServersAndThenByBroadcast) {
  names.name = "MUSEUM";
  policy.wins = {kLoopback.to_bytes()};
  policy.resolve = {ResolveMethod::wins, ResolveMethod::netbios};
  ASSERT_TRUE(resolved("museum"));
  EXPECT_EQ(names.broadcast, std::vector<bool>{false});
  EXPECT_FALSE(resolved("nosuch"));
  EXPECT_EQ(names.broadcast, (std::vector<bool>{false, false, true, true, true}));
}

TEST_F(AsioDialerTest, ResolvesByTheFile) {
  std::string path = testing::TempDir() + "/lmhosts-XXXXXX";
  const int file = ::mkstemp(path.data());
  ASSERT_GE(file, 0);
  std::ofstream(path) << "10.1.2.3 museum # old\n";
  policy.lmhosts_file = path;
  policy.resolve = {ResolveMethod::lmhosts};
  const auto found = resolved("museum");
  std::filesystem::remove(path);
  ::close(file);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, Addresses{boost::asio::ip::make_address("10.1.2.3")});
}

TEST_F(AsioDialerTest, AsksNobodyForAnAddressOrForANameThatIsNone) {
  for (const char* host : {"10.1.2.3", "2001:db8::1", "fe80::1%lo", "2001-db8--1.ipv6-literal.net"}) {
    EXPECT_TRUE(resolved(host)) << host;
  }
  EXPECT_EQ(resolved("fe80::1%lo")->at(0).to_v6().scope_id(), 1u);
  for (const char* host : {"museum.example.com", "a-name-of-16-abc"}) EXPECT_FALSE(resolved(host)) << host;
  EXPECT_TRUE(names.asked.empty());
}

}  // namespace
}  // namespace smb3fuse::client
