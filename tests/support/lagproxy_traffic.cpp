// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lagproxy_traffic.h"

#include <algorithm>
#include <array>
#include <boost/endian/conversion.hpp>
#include <sstream>
#include <utility>

namespace smb3fuse::lagproxy {
namespace {

// [MS-SMB2] 2.2.1: offsets within the header, which is the same in its sync and async form up to the message id.
constexpr std::size_t kHeaderSize = 64;
constexpr std::array<std::uint8_t, 4> kProtocolId = {0xFE, 'S', 'M', 'B'};
constexpr std::uint32_t kStatusPending = 0x00000103;
constexpr std::uint16_t kNegotiate = 0x0000;
constexpr std::uint16_t kCancel = 0x000C;
constexpr std::uint16_t kChangeNotify = 0x000F;
constexpr std::uint16_t kOplockBreak = 0x0012;
constexpr std::uint64_t kUnsolicited = 0xFFFFFFFFFFFFFFFF;

constexpr std::array kCommands = {"Negotiate",    "SessionSetup", "Logoff",  "TreeConnect", "TreeDisconnect",
                                  "Create",       "Close",        "Flush",   "Read",        "Write",
                                  "Lock",         "Ioctl",        "Cancel",  "Echo",        "QueryDirectory",
                                  "ChangeNotify", "QueryInfo",    "SetInfo", "OplockBreak"};

std::string command_name(const Message& message) {
  if (!message.readable) return "Unreadable";
  if (message.command < kCommands.size()) return kCommands.at(message.command);
  return "Command" + std::to_string(message.command);
}

Message parse(const std::vector<std::uint8_t>& head) {
  Message message;
  if (head.size() < kHeaderSize || !std::equal(kProtocolId.begin(), kProtocolId.end(), head.begin())) return message;
  message.readable = true;
  message.status = boost::endian::load_little_u32(&head[8]);
  message.command = boost::endian::load_little_u16(&head[12]);
  message.next_command = boost::endian::load_little_u32(&head[20]);
  message.message_id = boost::endian::load_little_u64(&head[24]);
  return message;
}

}  // namespace

void FrameScanner::scan(Bytes bytes) {
  while (!bytes.empty()) {
    if (part_ == Part::prefix && head_.empty()) begin_();
    const Bytes piece = bytes.first(std::min(needed_, bytes.size()));
    if (part_ != Part::body) head_.insert(head_.end(), piece.begin(), piece.end());
    if (part_ != Part::prefix) frame_left_ -= piece.size();
    needed_ -= piece.size();
    bytes = bytes.subspan(piece.size());
    while (needed_ == 0) advance();
  }
}

void FrameScanner::enter(Part part, std::size_t size) {
  part_ = part;
  needed_ = size;
  head_.clear();
}

void FrameScanner::advance() {
  switch (part_) {
    case Part::prefix: {
      const bool session_message = head_[0] == 0;
      frame_left_ = boost::endian::load_big_u24(&head_[1]);
      if (session_message && frame_left_ > 0) return enter(Part::header, std::min(kHeaderSize, frame_left_));
      return enter(Part::body, frame_left_);
    }
    case Part::header: {
      messages_.push_back(parse(head_));
      const std::size_t next = messages_.back().next_command;
      const bool chained = next >= kHeaderSize && next - kHeaderSize < frame_left_;
      return enter(Part::body, chained ? next - kHeaderSize : frame_left_);
    }
    case Part::body:
      if (frame_left_ > 0) return enter(Part::header, std::min(kHeaderSize, frame_left_));
      end_(messages_);
      messages_.clear();
      return enter(Part::prefix, 4);
  }
}

std::string Counters::json() const {
  std::ostringstream out;
  out << "{\"connections\": " << connections << ", \"frames\": " << frames << ", \"compounds\": " << compounds
      << ", \"requests\": " << requests << ", \"turns\": " << turns << ", \"unreadable\": " << unreadable
      << ", \"cancels\": " << cancels << ", \"breaks\": " << breaks
      << ", \"break_acknowledgments\": " << break_acknowledgments << ", \"interim_replies\": " << interim_replies
      << ", \"bytes_to_server\": " << bytes_to_server << ", \"bytes_to_client\": " << bytes_to_client
      << ", \"max_in_flight\": " << max_in_flight << ", \"by_command\": {";
  const char* separator = "";
  for (const auto& [command, count] : by_command) {
    out << std::exchange(separator, ", ") << '"' << command << "\": " << count;
  }
  out << "}, \"sequence\": [";
  separator = "";
  for (const Sent& sent : sequence) {
    const std::chrono::duration<double, std::milli> at = sent.when - since;
    out << std::exchange(separator, ", ") << "{\"ms\": " << at.count() << ", \"request\": \"" << sent.request << "\"}";
  }
  out << "]}";
  return out.str();
}

Conversation::Conversation(Counters& counters)
    : counters_(counters),
      requests_(
          [this] {
            began_idle_ = in_flight() == 0;
            began_ = Clock::now();
          },
          [this](const std::vector<Message>& messages) { handle_requests(messages); }),
      replies_([] {}, [this](const std::vector<Message>& messages) { handle_replies(messages); }) {}

void Conversation::from_client(Bytes bytes) {
  counters_.bytes_to_server += bytes.size();
  requests_.scan(bytes);
}

void Conversation::to_client(Bytes bytes) {
  counters_.bytes_to_client += bytes.size();
  replies_.scan(bytes);
}

void Conversation::handle_requests(const std::vector<Message>& messages) {
  std::string names;
  std::size_t requests = 0;
  for (const Message& message : messages) {
    if (message.readable && message.command == kCancel) {  // has no reply
      ++counters_.cancels;
      continue;
    }
    if (message.readable && message.command == kOplockBreak) {  // is itself the answer to something
      ++counters_.break_acknowledgments;
      continue;
    }
    const std::string name = command_name(message);
    ++requests;
    ++counters_.by_command[name];
    names += (names.empty() ? "" : "+") + name;
    if (!message.readable) {
      ++counters_.unreadable;
      ++unreadable_waiting_;
    } else if (message.command != kChangeNotify) {  // a watch: nobody waits for it
      waiting_.insert(message.message_id);
    }
  }
  if (requests == 0) return;
  ++counters_.frames;
  counters_.requests += requests;
  if (requests > 1) ++counters_.compounds;
  if (began_idle_) ++counters_.turns;
  counters_.max_in_flight = std::max(counters_.max_in_flight, in_flight());
  counters_.sequence.push_back({std::move(names), began_});
  if (counters_.sequence.size() > Counters::kSequence) counters_.sequence.pop_front();
}

void Conversation::handle_replies(const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    if (message.readable && message.message_id == kUnsolicited) {
      ++counters_.breaks;
    } else if (message.readable && message.status == kStatusPending) {
      ++counters_.interim_replies;
    } else if (message.readable && waiting_.erase(message.message_id) > 0) {
      continue;
    } else if ((!message.readable || message.command == kNegotiate) && unreadable_waiting_ > 0) {
      // A sealed reply, or the SMB2 reply to an SMB1 negotiate ([MS-SMB2] 3.3.5.3.1). What is sealed cannot be told
      // apart: an interim reply or a break ends a wait too early, and the turns are then an upper bound.
      --unreadable_waiting_;
    }
  }
}

}  // namespace smb3fuse::lagproxy
