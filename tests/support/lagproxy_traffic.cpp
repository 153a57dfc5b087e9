// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lagproxy_traffic.h"

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <sstream>
#include <utility>

namespace smb3fuse::lagproxy {

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
      if (is_smb1(head_)) {
        part_ = Part::smb1;
        needed_ = frame_left_;
        return;
      }
      messages_.push_back(parse_smb2(head_));
      const std::size_t next = messages_.back().next_command;
      const bool chained = next >= kHeaderSize && next - kHeaderSize < frame_left_;
      return enter(Part::body, chained ? next - kHeaderSize : frame_left_);
    }
    case Part::body:
      if (frame_left_ > 0) return enter(Part::header, std::min(kHeaderSize, frame_left_));
      break;
    case Part::smb1:
      messages_ = parse_smb1(head_);
      break;
  }
  end_(messages_);
  messages_.clear();
  enter(Part::prefix, 4);
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
    if (message.kind == Message::Kind::cancel) {
      ++counters_.cancels;
      continue;
    }
    if (message.kind == Message::Kind::oplock_break) {  // is itself the answer to something
      ++counters_.break_acknowledgments;
      continue;
    }
    ++requests;
    ++counters_.by_command[message.name];
    names += (names.empty() ? "" : "+") + message.name;
    if (message.kind == Message::Kind::unreadable) {
      ++counters_.unreadable;
      ++unreadable_waiting_;
    } else if (message.kind != Message::Kind::watch) {
      waiting_.insert(message.id);
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
    if (message.kind == Message::Kind::unreadable) {
      // A sealed reply. What is sealed cannot be told apart: an interim reply or a break ends a wait too early, and the
      // turns are then an upper bound.
      if (unreadable_waiting_ > 0) --unreadable_waiting_;
    } else if (message.id == kUnsolicited) {
      ++counters_.breaks;
    } else if (message.is_interim) {
      ++counters_.interim_replies;
    } else if (message.kind == Message::Kind::negotiate) {
      // Nothing else is under way, and SMB2's to a NEGOTIATE of SMB1 has an id of its own. [MS-SMB2] 3.3.5.3.1
      waiting_.clear();
    } else {
      waiting_.erase(message.id);
    }
  }
}

}  // namespace smb3fuse::lagproxy
