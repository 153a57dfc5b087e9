// SPDX-License-Identifier: Apache-2.0
// The datagram service on port 138: packets, fragments and their reassembly. RFC 1001 17, RFC 1002 4.4, 5.3. One
// thread.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <variant>
#include <vector>

#include "nbt/address.h"
#include "nbt/name.h"
#include "nbt/name_packet.h"

namespace smb3fuse::nbt {

inline constexpr std::uint16_t kDatagramPort = 138;

// RFC 1002 4.4.1
enum class DatagramType : std::uint8_t {
  direct_unique = 0x10,
  direct_group = 0x11,
  broadcast = 0x12,
  error = 0x13,
  query_request = 0x14,
  positive_query_response = 0x15,
  negative_query_response = 0x16,
};

// RFC 1002 4.4.3
enum class DatagramError : std::uint8_t {
  destination_not_present = 0x82,
  invalid_source_name = 0x83,
  invalid_destination_name = 0x84,
};

struct DatagramHeader {
  DatagramType type = DatagramType::direct_unique;
  bool first = true;  // fragment
  bool more = false;  // fragments follow
  NodeType node = NodeType::b;
  std::uint16_t id = 0;
  Endpoint source;
};

// A datagram, or a fragment of one, that carries data.
struct DatagramData {
  Name source;
  Name destination;
  std::uint16_t offset = 0;  // of this fragment's data in all of it
  Bytes data;
};

struct DatagramPacket {
  DatagramHeader header;
  std::variant<DatagramData, DatagramError, Name> body;  // Name: the destination that a query is about
};

Bytes encode(const DatagramPacket& packet);
std::optional<DatagramPacket> decode_datagram(ByteView bytes);

// The packets that take `data` there: as many as fit into MAX_DATAGRAM_LENGTH each. Empty: it is longer than a
// datagram may be.
std::vector<Bytes> encode_datagram(const DatagramHeader& header, const Name& source, const Name& destination,
                                   ByteView data);

// An error for what came for a name that is not here. RFC 1002 5.3.2: only direct unique datagrams have answers.
std::optional<Bytes> refusal_of(const DatagramPacket& packet, const Endpoint& own);

// Puts fragments together. What lacks one after FRAGMENT_TO is forgotten, and so is the oldest when there are too many.
class Reassembly {
 public:
  // The whole datagram that `packet` is or completes.
  std::optional<DatagramData> handle_fragment(const DatagramPacket& packet, Time now);
  std::size_t pending() const { return pending_.size(); }

 private:
  struct Pending {
    Endpoint source;
    std::uint16_t id = 0;
    Time begun{};
    DatagramData whole;  // the data in order so far
  };
  std::list<Pending> pending_;
};

}  // namespace smb3fuse::nbt
