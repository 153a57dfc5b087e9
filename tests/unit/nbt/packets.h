// SPDX-License-Identifier: Apache-2.0
// Packets as they went over the wire. Captured on 2026-11-21 between two namespaces joined by a veth pair: nmbd 4.17.12
// of Debian 12 with `wins support = yes` at 10.99.0.2 (NBSERVER, alias NBALIAS, group NBGROUP), and nmblookup,
// smbclient and a second nmbd (NBCLIENT, which has the first one as its WINS server) at 10.99.0.1. What the fields hold
// was read off with tshark 4.0.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "nbt/address.h"
#include "nbt/wire.h"

namespace smb3fuse::nbt {

namespace golden {

// nmblookup -B 10.99.0.255 NBSERVER, and the answer
inline constexpr std::string_view kQuery =
    "2c040110000100000000000020454f4543464445464643464745464643434143414341434143414341434141410000200001";
inline constexpr std::string_view kQueryAnswer =
    "2c048580000000010000000020454f45434644454646434647454646434341434143414341434143414341414100002000010003f480000660"
    "00"
    "0a630002";
// nmblookup --recursion --unicast=10.99.0.2 NOSUCH, the answer
inline constexpr std::string_view kNegativeAnswer =
    "6b478583000000010000000020454f45504644464645444549434143414341434143414341434143414341414100000a0001000000000000";
// nmblookup -A 10.99.0.2, the answer
inline constexpr std::string_view kStatusAnswer =
    "12948400000000010000000020434b41414141414141414141414141414141414141414141414141414141414100002100010000000000d1"
    "094e42534552564552202020202020200064004e42534552564552202020202020200364004e425345525645522020202020202020640001"
    "025f5f4d5342524f5753455f5f0201e4004e42414c49415320202020202020200064004e42414c49415320202020202020200364004e4241"
    "4c49415320202020202020202064004e4247524f5550202020202020202000e4004e4247524f555020202020202020201ee4000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000";
// NBCLIENT<20> claimed by broadcast, NBGROUP<00> at the WINS server, and its answer
inline constexpr std::string_view kBroadcastRegistration =
    "46412910000100000000000120454f45434544454d454a4546454f4645434143414341434143414341434143410000200001c00c0020000100"
    "000000000660000a630001";
inline constexpr std::string_view kRegistration =
    "46492900000100000000000120454f4543454846434550464646414341434143414341434143414341434141410000200001c00c0020000100"
    "03f4800006e0000a630001";
inline constexpr std::string_view kRegistrationAnswer =
    "4649ad80000000010000000020454f4543454846434550464646414341434143414341434143414341434141410000200001"
    "0003f4800006e0000a630001";
// NBGROUP<1e> released at the WINS server; the answer to the release of NBCLIENT<00>
inline constexpr std::string_view kRelease =
    "464d3000000100000000000120454f45434548464345504646464143414341434143414341434143414341424f0000200001c00c0020000100"
    "03f4800006e0000a630001";
inline constexpr std::string_view kReleaseAnswer =
    "464fb400000000010000000020454f45434544454d454a4546454f4645434143414341434143414341434141410000200001"
    "00000000000660000a630001";
// NBCLIENT announces itself to NBGROUP<1d>, NBSERVER to NBGROUP<1e>
inline constexpr std::string_view kHostAnnouncement =
    "110a464b0a630001008a00ca000020454f45434544454d454a4546454f4645434143414341434143414341434141410020454f454345484643"
    "45504646464143414341434143414341434143414341424e00ff534d4225000000000000000000000000000000000000000000000000000000"
    "110000300000000000000000000000000000000000000030005600030001000100020041005c4d41494c534c4f545c42524f57534500010060"
    "ea00004e42434c49454e5400000000000000000601039a80000f0155aa6120626f78206f6620627269636b7300";
inline constexpr std::string_view kMasterAnnouncement =
    "110a46040a630002008a00cf000020454f4543464445464643464745464643434143414341434143414341434141410020454f454345484643"
    "45504646464143414341434143414341434143414341424f00ff534d4225000000000000000000000000000000000000000000000000000000"
    "110000350000000000000000000000000000000000000035005600030001000100020046005c4d41494c534c4f545c42524f575345000f02c0"
    "d401004e4253455256455200000000000000000601039a84000f0155aa53616d626120342e31372e31322d44656269616e00";
// smbclient -p 139: NBSERVER<20> is called by VM<00>
inline constexpr std::string_view kSessionRequest =
    "8100004420454f45434644454646434647454646434341434143414341434143414341434100204647454e43414341434143414341434143"
    "41434143414341434143414341414100";

}  // namespace golden

inline Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

inline std::string to_hex(ByteView bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

constexpr Ipv4 kServer{10, 99, 0, 2};
constexpr Ipv4 kClient{10, 99, 0, 1};
constexpr Ipv4 kEverybody{10, 99, 0, 255};
constexpr Endpoint kServerPort{kServer, 137};

// `decode` takes the packet whole, and nothing that is cut short or has a byte too many.
template <class Decode>
void expect_only_whole(const Bytes& packet, Decode decode) {
  EXPECT_TRUE(decode(packet));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    // A block of its own, so that a sanitizer sees what is read behind it.
    const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode(cut)) << "cut to " << size << " bytes";
  }
}

// Time that a test moves.
struct TestTime {
  Time now{std::chrono::hours(1)};
  template <class Machine>
  void to_deadline(Machine& machine) {
    ASSERT_TRUE(machine.deadline());
    now = *machine.deadline();
    machine.handle_time(now);
  }
};

}  // namespace smb3fuse::nbt
