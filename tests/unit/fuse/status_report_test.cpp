// SPDX-License-Identifier: Apache-2.0
#include "fuse/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace smb3fuse::fs {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using namespace std::chrono_literals;

MountStatus example() {
  MountStatus status;
  status.source = "//nas/media";
  status.mountpoint = "/media/anna/nas";
  status.version = "1.2.3";
  status.pid = 4711;
  status.now = 1'800'000'000;  // 2027-01-15 08:00:00 UTC

  status.share.server = "nas";
  status.share.address = "192.168.1.5";
  status.share.port = 445;
  status.share.share = "media";
  status.share.connected = true;
  status.share.since = 3h + 12min;
  status.share.dialect = "SMB 3.1.1";
  status.share.cipher = "AES-128-GCM";
  status.share.signing = "AES-GMAC";
  status.share.is_signed = true;
  status.share.credits_granted = 8192;
  status.share.credits_in_use = 17;
  status.share.requests_in_flight = 3;
  status.share.requests_queued = 2;
  status.share.round_trip_smoothed = 1234567ns;
  status.share.round_trip_least = 210us;
  status.share.messages_sent = 800;
  status.share.compounds_sent = 300;
  status.share.bytes_sent = 1023;
  status.share.bytes_received = std::uint64_t{3} << 29;
  status.share.commands = {{"CREATE", 1234, 1200, 34}, {"READ", 1'000'000, 70, 0}};
  status.share.leases.read = 1;
  status.share.leases.read_write_handle = 1500;
  status.share.breaks = {7, 6, 1500us};

  status.vfs.nodes = 9;
  status.vfs.files_in_use = 4;
  status.vfs.files_kept = 5;
  status.vfs.cache = {.clean = 4 << 20, .unread = 100, .dirty = 2048, .in_flight = 1024, .fetching = 10};
  status.vfs.cache_counts = {.reads = 1000,
                             .reads_from_memory = 952,
                             .bytes_read = 3,
                             .bytes_from_memory = 2,
                             .bytes_ahead = 5000,
                             .bytes_ahead_used = 4000,
                             .writes = 12,
                             .bytes_written = 99};
  status.vfs.memory_in_use = 5 << 20;
  status.vfs.memory_limit = 512 << 20;
  status.vfs.counts = {.opens = 40, .opens_reused = 30, .files_ahead = 20, .files_ahead_used = 12};
  status.vfs.files_ahead_waiting = 5;
  status.vfs.listings_ahead = {.asked = 8, .used = 6, .unused = 1};

  status.kernel.operations = {{"LOOKUP", 5000}, {"READ", 12}};
  status.kernel.requests_waiting = 2;
  status.kernel.notifications = {.data = 1, .attributes = 2, .names = 3, .expired_names = 4};
  return status;
}

MountReport report_of(const MountStatus& status) { return {"/media/moved", to_json(status), {}}; }

TEST(StatusReport, IsAsTheManualSays) {
  const json expected = json::parse(R"({
    "mountpoint": "/media/anna/nas", "source": "//nas/media", "version": "1.2.3", "pid": 4711,
    "connection": {"state": "connected", "since": "2027-01-15T04:48:00Z", "seconds": 11520.0, "lost_reason": null,
                   "count": 1,
                   "server": "nas", "address": "192.168.1.5", "port": 445, "share": "media"},
    "protocol": {"dialect": "SMB 3.1.1", "cipher": "AES-128-GCM", "encrypted": false, "signing": "AES-GMAC",
                 "signed": true},
    "credits": {"granted": 8192, "in_use": 17},
    "round_trip_ms": {"smoothed": 1.235, "least": 0.21},
    "requests": {"in_flight": 3, "waiting_for_credits": 2, "total": 1001234, "messages": 800, "compounds": 300,
                 "round_trips": 1270, "bytes_sent": 1023, "bytes_received": 1610612736,
                 "commands": {"CREATE": {"requests": 1234, "round_trips": 1200, "errors": 34},
                              "READ": {"requests": 1000000, "round_trips": 70, "errors": 0}}},
    "cache": {"clean_bytes": 4194304, "dirty_bytes": 2048, "writing_bytes": 1024, "fetching_bytes": 10,
              "memory_bytes": 5242880, "budget_bytes": 536870912, "reads": 1000, "reads_from_memory": 952,
              "read_hit_rate": 0.952, "read_bytes": 3, "read_bytes_from_memory": 2, "byte_hit_rate": 0.6667,
              "writes": 12, "written_bytes": 99},
    "read_ahead": {"bytes": 5000, "used_bytes": 4000, "unused_bytes": 900, "waiting_bytes": 100},
    "listings_ahead": {"asked": 8, "used": 6, "unused": 1},
    "files_ahead": {"asked": 20, "used": 12, "unused": 3},
    "opens": {"total": 40, "reused": 30, "in_use": 4, "kept": 5},
    "leases": {"R": 1, "RH": 0, "RW": 0, "RWH": 1500, "oplock_level_ii": 0, "oplock_exclusive": 0, "oplock_batch": 0},
    "breaks": {"received": 7, "acknowledged": 6, "longest_ms": 1.5},
    "kernel": {"in_flight": 2, "nodes": 9, "requests": {"LOOKUP": 5000, "READ": 12},
               "notifications": {"data": 1, "attributes": 2, "names": 3, "expired_names": 4}}
  })");
  EXPECT_EQ(json::parse(to_json(example())), expected);
}

TEST(StatusReport, HasNullWhereThereIsNothingToTell) {
  const json told = json::parse(to_json(MountStatus()));
  EXPECT_EQ(told["connection"]["state"], "lost");
  EXPECT_TRUE(told["connection"]["address"].is_null());
  EXPECT_TRUE(told["protocol"]["cipher"].is_null());
  EXPECT_TRUE(told["round_trip_ms"]["least"].is_null());
  EXPECT_TRUE(told["cache"]["read_hit_rate"].is_null());
  EXPECT_EQ(told["requests"]["commands"], json::object());
}

TEST(StatusReport, IsOneScreenForPeople) {
  EXPECT_EQ(to_text(report_of(example())).value_or(""),
            R"(//nas/media on /media/moved
  Connection    nas (192.168.1.5), port 445, connected since 2027-01-15T04:48:00Z (3 h 12 min)
  Protocol      SMB 3.1.1, signed: AES-GMAC, not encrypted
  Round trip    1.24 ms, 0.21 ms at least
  Credits       8,192 granted, 17 in use
  Under way     3 requests, 2 wait for credits; the kernel waits for 2
  Traffic       1.5 GiB received, 1023 B sent; 1,001,234 requests in 800 messages, 1,270 round trips
  Cache         4.0 MiB clean, 2.0 KiB to be written, 1.0 KiB being written; memory 5.0 MiB of 512.0 MiB
  Reads         1,000, from memory: 95.2 %; 3 B, from memory: 66.7 %
  Writes        12, 99 B
  Ahead of need 4.9 KiB of files, 3.9 KiB used; 8 folders listed, 6 used; 20 files opened, 12 used
  Opens         40, 30 without a request; 4 in use, 5 kept unused
  Leases        1 R, 1,500 RWH
  Breaks        7 received, 6 acknowledged, 1.5 ms at most
  Kernel asked  LOOKUP 5,000, READ 12
  Kernel told   data 1, attributes 2, names 3, expired names 4
  Command                 requests   round trips    errors
  CREATE                     1,234         1,200        34
  READ                   1,000,000            70         0
)");
}

TEST(StatusReport, SaysWhyAConnectionIsLostAndWhatIsSealed) {
  MountStatus status = example();
  status.share.connected = false;
  status.share.lost_reason = "the server has been silent for too long";
  status.share.encrypted = true;
  status.share.is_signed = false;
  status.share.since = 59s;
  const std::string text = to_text(report_of(status)).value_or("");
  EXPECT_THAT(text, HasSubstr("lost since 2027-01-15T07:59:01Z (59 s): the server has been silent for too long\n"));
  EXPECT_THAT(text, HasSubstr("Protocol      SMB 3.1.1, encrypted: AES-128-GCM\n"));
}

TEST(StatusReport, GivesNobodyATerminalToPlayWith) {
  MountStatus status = example();
  status.source = "//nas/\x1b[2J";
  MountReport report = report_of(status);
  report.mountpoint = "/mnt/two\nlines\xff";
  const std::string text = to_text(report).value_or("");
  EXPECT_THAT(text, HasSubstr("//nas/\\033[2J on /mnt/two\\012lines\xff\n"));
  const json told = json::parse(to_json(report));
  EXPECT_EQ(told["mountpoint"], "/mnt/two\nlines\xef\xbf\xbd") << "JSON has no other bytes than UTF-8";
}

TEST(StatusReport, PutsWhatIsKnownOfManyIntoOneArray) {
  const json told = json::parse(
      to_json(std::vector<MountReport>{report_of(example()), {"/b", {}, "it does not answer"}, {"/c", "no JSON", {}}}));
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0]["mountpoint"], "/media/moved");
  EXPECT_EQ(told[0]["pid"], 4711);
  EXPECT_EQ(told[1], json::parse(R"({"mountpoint": "/b", "error": "it does not answer"})"));
  EXPECT_EQ(told[2]["mountpoint"], "/c");
  EXPECT_TRUE(told[2].contains("error"));
  EXPECT_EQ(json::parse(to_json(std::vector<MountReport>{})), json::array());
}

TEST(StatusReport, BearsAnAnswerThatIsNestedWithoutEnd) {
  constexpr std::size_t kDeep = 500'000;
  const MountReport report{"/a", R"({"pid": 1, "x": )" + std::string(kDeep, '[') + std::string(kDeep, ']') + "}", {}};
  EXPECT_EQ(json::parse(to_json(report))["pid"], 1);
  EXPECT_TRUE(to_text(report));
}

TEST(StatusReport, BearsTheAnswerOfAnotherVersion) {
  EXPECT_FALSE(to_text({"/a", "no JSON", {}}));
  EXPECT_FALSE(to_text({"/a", "[1, 2]", {}}));
  const std::string text =
      to_text({"/a", R"({"source": 5, "connection": "new", "kernel": {"requests": [7]}, "leases": {"R": "x"}})", {}})
          .value_or("");
  EXPECT_THAT(text, HasSubstr(" on /a\n"));
  EXPECT_THAT(text, HasSubstr("Leases        none\n"));
}

}  // namespace
}  // namespace smb3fuse::fs
