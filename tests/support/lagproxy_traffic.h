// SPDX-License-Identifier: Apache-2.0
// What lagproxy counts: frames, requests and turns of SMB2 and SMB1, read from the bytes that pass. A turn is a frame
// that the client sends while it waits for nothing: the number of turns is the number of round trips that followed each
// other.
//
// Requests are seen when they arrive from the client, replies when their last byte has been handed to the client's
// socket, so that a client which waits is always seen to wait. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/lagproxy_messages.h"

namespace smb3fuse::lagproxy {

using Clock = std::chrono::steady_clock;

// Cuts a stream into frames by the 4-byte prefix of [MS-SMB2] 2.1, and each frame into messages. The bodies of SMB2 are
// not kept; a frame of SMB1 is, because its chain goes through all of it.
class FrameScanner {
 public:
  using Begin = std::function<void()>;
  using End = std::function<void(const std::vector<Message>&)>;

  // `begin` runs at a frame's first byte, `end` at its last; a NetBIOS keep-alive ends with no message at all.
  FrameScanner(Begin begin, End end) : begin_(std::move(begin)), end_(std::move(end)) {}
  void scan(Bytes bytes);

 private:
  enum class Part { prefix, header, body, smb1 };
  void enter(Part part, std::size_t size);
  void advance();

  Begin begin_;
  End end_;
  Part part_ = Part::prefix;
  std::size_t needed_ = 4;          // bytes of this part still to come
  std::size_t frame_left_ = 0;      // bytes of the frame still to come
  std::vector<std::uint8_t> head_;  // the prefix, header or frame of SMB1 so far
  std::vector<Message> messages_;
};

// The sums over all connections since the last reset.
struct Counters {
  Clock::time_point since = Clock::now();
  std::uint64_t connections = 0;
  std::uint64_t frames = 0;     // of requests, without cancels and break acknowledgments
  std::uint64_t compounds = 0;  // frames with more than one request: compounds of SMB2, chains of SMB1
  std::uint64_t requests = 0;   // a frame that cannot be read counts as one
  std::uint64_t turns = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t cancels = 0;
  std::uint64_t breaks = 0;
  std::uint64_t break_acknowledgments = 0;
  std::uint64_t interim_replies = 0;
  std::uint64_t bytes_to_server = 0;
  std::uint64_t bytes_to_client = 0;
  std::size_t max_in_flight = 0;  // requests of one connection, a chain of SMB1 being one
  std::map<std::string, std::uint64_t> by_command;
  struct Sent {
    std::string request;
    Clock::time_point when;
  };
  std::deque<Sent> sequence;  // the last kSequence frames

  static constexpr std::size_t kSequence = 2000;
  std::string json() const;
};

// One connection's requests and replies.
class Conversation {
 public:
  explicit Conversation(Counters& counters);
  void from_client(Bytes bytes);
  void to_client(Bytes bytes);

 private:
  void handle_requests(const std::vector<Message>& messages);
  void handle_replies(const std::vector<Message>& messages);
  std::size_t in_flight() const { return waiting_.size() + unreadable_waiting_; }

  Counters& counters_;
  FrameScanner requests_;
  FrameScanner replies_;
  bool began_idle_ = false;  // nothing was in flight when the client's frame began
  Clock::time_point began_;
  std::set<std::uint64_t> waiting_;     // ids of requests without their final reply; in SMB1 the first of several
  std::size_t unreadable_waiting_ = 0;  // unreadable requests less unreadable replies
};

}  // namespace smb3fuse::lagproxy
