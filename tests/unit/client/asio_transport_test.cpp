// SPDX-License-Identifier: Apache-2.0
// Frames over a real socket of the loopback interface: split and joined in every way, refused when too long, sent by
// gathering with a peer that reads slowly.
#include <utility>

#include <gtest/gtest.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <optional>

#include "smb/client/asio_transport.h"
#include "smb/status.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::client {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

Bytes framed(const Bytes& message, std::uint8_t type = 0) {
  Bytes bytes = {type, static_cast<std::uint8_t>(message.size() >> 16), static_cast<std::uint8_t>(message.size() >> 8),
                 static_cast<std::uint8_t>(message.size())};
  bytes.insert(bytes.end(), message.begin(), message.end());
  return bytes;
}

Bytes pattern(std::size_t size, std::uint8_t seed = 1) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(seed + i * 7 + i / 251);
  return bytes;
}

class AsioTransportTest : public testing::Test, protected TransportHandler {
 protected:
  AsioTransportTest() : peer(context) {
    tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    tcp::socket ours(context);
    ours.connect(acceptor.local_endpoint());
    acceptor.accept(peer);
    peer.set_option(tcp::no_delay(true));
    transport = make_asio_transport(std::move(ours), pool);
    transport->start(*this);
  }

  void handle_frame(cache::Buffer frame) override {
    frames.emplace_back(frame.bytes().begin(), frame.bytes().end());
    if (on_frame) on_frame();
  }
  void handle_lost(std::error_code error) override {
    EXPECT_FALSE(lost) << "lost twice";
    lost = error;
  }

  void write(ByteView bytes) { boost::asio::write(peer, boost::asio::buffer(bytes.data(), bytes.size())); }
  template <class Condition>
  void run_until(Condition done) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < until) {
      context.restart();
      context.run_one_for(100ms);
    }
    EXPECT_TRUE(done()) << "timed out";
  }
  void run_for_a_moment() {
    context.restart();
    context.run_for(20ms);
  }

  boost::asio::io_context context;
  cache::BufferPool pool;
  tcp::socket peer;
  std::unique_ptr<Transport> transport;
  std::vector<Bytes> frames;
  std::optional<std::error_code> lost;
  std::function<void()> on_frame;
};

TEST_F(AsioTransportTest, JoinsFramesThatWereSplitAtEveryByte) {
  const Bytes first = pattern(40);
  const Bytes second = pattern(25, 99);
  Bytes stream = framed(first);
  const Bytes more = framed(second);
  stream.insert(stream.end(), more.begin(), more.end());
  for (std::size_t at = 1; at < stream.size(); ++at) {
    frames.clear();
    write(ByteView(stream).first(at));
    context.restart();
    context.poll();
    write(ByteView(stream).subspan(at));
    run_until([&] { return frames.size() == 2 || lost; });
    ASSERT_EQ(frames, (std::vector<Bytes>{first, second})) << at;
  }
}

TEST_F(AsioTransportTest, TakesOneByteAtATime) {
  const Bytes message = pattern(20);
  for (const std::uint8_t byte : framed(message)) {
    write({&byte, 1});
    context.restart();
    context.poll();
  }
  run_until([&] { return !frames.empty(); });
  EXPECT_EQ(frames[0], message);
}

TEST_F(AsioTransportTest, FindsManyFramesInOneSegment) {
  Bytes stream;
  for (std::size_t size = 0; size < 300; ++size) {
    const Bytes frame = framed(pattern(size));
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  write(stream);
  run_until([&] { return frames.size() == 300; });
  for (std::size_t size = 0; size < frames.size(); ++size) EXPECT_EQ(frames[size], pattern(size));
}

TEST_F(AsioTransportTest, ReceivesWhatIsLongerThanItsSpillAndWhatFollowsIt) {
  // Around the sizes at which one readv ends in the frame or runs over into the next one.
  for (const std::size_t size : {16u * 1024 - 8, 16u * 1024 - 4, 16u * 1024, 16u * 1024 + 4, 1u << 20}) {
    frames.clear();
    Bytes stream = framed(pattern(size));
    const Bytes small = framed(pattern(5));
    stream.insert(stream.end(), small.begin(), small.end());
    boost::asio::async_write(peer, boost::asio::buffer(stream), [](auto, auto) {});
    run_until([&] { return frames.size() == 2 || lost; });
    ASSERT_EQ(frames.size(), 2u) << size;
    EXPECT_EQ(frames[0], pattern(size));
    EXPECT_EQ(frames[1], pattern(5));
  }
}

TEST_F(AsioTransportTest, PassesOverKeepAlives) {
  Bytes stream = framed({}, 0x85);
  const Bytes frame = framed(pattern(3));
  stream.insert(stream.end(), frame.begin(), frame.end());
  write(stream);
  run_until([&] { return !frames.empty(); });
  EXPECT_EQ(frames.size(), 1u);
}

TEST_F(AsioTransportTest, RefusesATooLongFrameBeforeMemoryIsTakenForIt) {
  transport->limit_frames(1000);
  const std::size_t before = pool.bytes_in_use();
  write(Bytes{0, 0, 0x03, 0xE9});  // 1001; not a byte of it is sent
  run_until([&] { return lost.has_value(); });
  EXPECT_EQ(*lost, NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
  EXPECT_EQ(pool.bytes_in_use(), before);
}

TEST_F(AsioTransportTest, RefusesAnotherTongue) {
  const std::string http = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  write({reinterpret_cast<const std::uint8_t*>(http.data()), http.size()});
  run_until([&] { return lost.has_value(); });
  EXPECT_EQ(*lost, NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
  EXPECT_TRUE(frames.empty());
}

TEST_F(AsioTransportTest, TellsThatThePeerHasClosedAfterItsLastWords) {
  Bytes stream = framed(pattern(10));
  stream.push_back(0);  // and the start of a frame that never comes
  write(stream);
  peer.close();
  run_until([&] { return lost.has_value(); });
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_EQ(*lost, NtStatus::STATUS_CONNECTION_DISCONNECTED);
}

TEST_F(AsioTransportTest, MayBeDestroyedWhileItHandsOverAFrame) {
  Bytes stream = framed(pattern(10));
  const Bytes again = stream;
  stream.insert(stream.end(), again.begin(), again.end());
  on_frame = [&] { transport.reset(); };
  write(stream);
  run_until([&] { return !frames.empty(); });
  run_for_a_moment();
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_FALSE(lost);
}

TEST_F(AsioTransportTest, GathersPiecesAndFramesInOrder) {
  const Bytes parts = pattern(100);
  std::vector<OutgoingFrame> out(2);
  for (std::size_t at = 0; at < 100; ++at) out[0].pieces.push_back(ByteView(parts).subspan(at, 1));  // more than iovecs
  out[1].pieces = {ByteView(parts).first(0), ByteView(parts).first(3)};
  transport->send(std::move(out));
  Bytes expected = framed(parts);
  const Bytes second = framed(Bytes(parts.begin(), parts.begin() + 3));
  expected.insert(expected.end(), second.begin(), second.end());
  Bytes got(expected.size());
  bool done = false;
  boost::asio::async_read(peer, boost::asio::buffer(got), [&](auto, auto) { done = true; });
  run_until([&] { return done; });
  EXPECT_EQ(got, expected);
}

TEST_F(AsioTransportTest, KeepsWhatASlowPeerDoesNotTakeAndTheBytesAlive) {
  constexpr std::size_t kFrames = 8;
  constexpr std::size_t kSize = std::size_t{2} << 20;  // far more than the socket's buffers
  for (std::size_t i = 0; i < kFrames; ++i) {
    auto data = std::make_shared<Bytes>(pattern(kSize, static_cast<std::uint8_t>(i)));
    std::vector<OutgoingFrame> out(1);
    out[0].pieces = {ByteView(*data).first(1000), ByteView(*data).subspan(1000)};
    out[0].owners = {std::move(data)};
    transport->send(std::move(out));
  }
  run_for_a_moment();
  for (std::size_t i = 0; i < kFrames; ++i) {
    Bytes got(4 + kSize);
    bool done = false;
    boost::asio::async_read(peer, boost::asio::buffer(got), [&](auto, auto) { done = true; });
    run_until([&] { return done; });
    ASSERT_EQ(got, framed(pattern(kSize, static_cast<std::uint8_t>(i)))) << i;
  }
}

TEST_F(AsioTransportTest, TellsOnceThatAPeerIsGoneWhileSending) {
  peer.close();
  const Bytes data = pattern(1000);
  for (int i = 0; i < 100; ++i) {
    std::vector<OutgoingFrame> out(1);
    out[0].pieces = {data};
    transport->send(std::move(out));
    context.restart();
    context.poll();
  }
  run_until([&] { return lost.has_value(); });
  run_for_a_moment();
}

}  // namespace
}  // namespace smb3fuse::client
