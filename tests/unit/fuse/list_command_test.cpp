// SPDX-License-Identifier: Apache-2.0
// What smb3fuse list and smb3fuse lookup print.
#include "fuse/list_command.h"

#include <gtest/gtest.h>

#include "fuse/lookup_command.h"

namespace smb3fuse::fs {
namespace {

nbt::NodeName name(const char* text, std::uint8_t service, bool group = false) {
  return {*nbt::make_name(text, service), group};
}

TEST(ListCommand, HasAShareOnALine) {
  EXPECT_EQ(shares_text({}), "");
  EXPECT_EQ(shares_text({{"films", client::ShareKind::disk, false, "Über alles"},
                         {"Füße", client::ShareKind::printer, false, ""},
                         {"IPC$", client::ShareKind::pipe, true, "a\x1b[2Jb"},
                         {"old\n", client::ShareKind::device, false, "x"}}),
            "films  folder   Über alles\n"
            "Füße   printer\n"
            "IPC$   pipe     a.[2Jb\n"
            "old.   device   x\n");
}

TEST(ListCommand, HasTheNamesThatMachinesServeFilesUnder) {
  client::Neighbour second{{10, 0, 0, 9}, {{name("B", 0x00), name("B", 0x20), name("WORK", 0x00, true)}, {}}};
  client::Neighbour first{{10, 0, 0, 2}, {{name("A", 0x20), name("A2", 0x20), name("HOME", 0x00, true)}, {}}};
  client::Neighbour idle{{10, 0, 0, 3}, {{name("C", 0x00), name("WORK", 0x00, true)}, {}}};
  EXPECT_EQ(neighbours_text({second, idle, first}),
            "//A                HOME             10.0.0.2\n"
            "//A2               HOME             10.0.0.2\n"
            "//B                WORK             10.0.0.9\n");
}

TEST(ListCommand, FindsMasterBrowsersByTheirNames) {
  client::Neighbour master{{10, 0, 0, 9},
                           {{name("B", 0x00), name("WORK", 0x1D), name("B", 0x20), name("B2", 0x20)}, {}}};
  client::Neighbour other{{10, 0, 0, 2}, {{name("A", 0x20), name("WORK", 0x1E, true), name("WORK", 0x00, true)}, {}}};
  const auto found = master_browsers({other, master});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].group, "WORK");
  EXPECT_EQ(found[0].name, "B");
  EXPECT_EQ(found[0].address, "10.0.0.9");
}

TEST(ListCommand, HasAServerOnALine) {
  EXPECT_EQ(servers_text("WORK", {{"NAS", "the \x1b one"}, {"PRESS", ""}}),
            "//NAS              WORK             the . one\n"
            "//PRESS            WORK\n");
}

TEST(LookupCommand, TellsWhatEachNameIsFor) {
  nbt::NodeStatus status{{name("NAS", 0x00), name("NAS", 0x20), name("WORK", 0x00, true), name("WORK", 0x1D)}, {}};
  status.names[1].conflict = true;
  status.names[3].name.bytes[0] = 0x01;
  EXPECT_EQ(status_text("10.0.0.2", status),
            "10.0.0.2\n"
            "  NAS             <00>  unique  machine\n"
            "  NAS             <20>  unique  files, in conflict\n"
            "  WORK            <00>  group   workgroup\n"
            "  .ORK            <1d>  unique  master browser\n");
  status.names.clear();
  status.unit_id = {0x02, 0, 0, 0, 0, 0xFE};
  EXPECT_EQ(status_text("10.0.0.2", status), "10.0.0.2\n  network card 02:00:00:00:00:fe\n");
}

}  // namespace
}  // namespace smb3fuse::fs
