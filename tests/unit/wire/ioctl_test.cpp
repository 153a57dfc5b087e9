// SPDX-License-Identifier: Apache-2.0
// IOCTL and what it carries, reparse points included.
#include "smb/wire/ioctl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/wire/reparse.h"
#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

using testing::ElementsAre;

// A structure that an IOCTL carried: decoded, encoded again, cut short at every length.
template <class T>
T carried(ByteView bytes) {
  const T value = decoded<T>(bytes);
  EXPECT_EQ(encode(value), Bytes(bytes.begin(), bytes.end())) << print(value);
  return value;
}

TEST(Ioctl, SetSparse) {
  const Golden<IoctlRequest> request(golden::kIoctlSetSparse);
  EXPECT_EQ(request->ctl_code, FSCTL_SET_SPARSE);
  EXPECT_EQ(request->flags, SMB2_0_IOCTL_IS_FSCTL);
  EXPECT_EQ(request->max_output_response, 1024u);
  EXPECT_TRUE(carried<FileSetSparseBuffer>(request->input).set_sparse);
}

TEST(Ioctl, SetZeroData) {
  const Golden<IoctlRequest> request(golden::kIoctlSetZeroData);
  EXPECT_EQ(request->ctl_code, FSCTL_SET_ZERO_DATA);
  const auto zero = carried<FileZeroDataInformation>(request->input);
  EXPECT_EQ(zero.file_offset, 0u);
  EXPECT_EQ(zero.beyond_final_zero, 4u);
}

TEST(Ioctl, QueryAllocatedRanges) {
  const Golden<IoctlResponse> response(golden::kIoctlQueryAllocatedRanges);
  EXPECT_EQ(response->ctl_code, FSCTL_QUERY_ALLOCATED_RANGES);
  const auto ranges = carried<FileAllocatedRanges>(response->output).ranges;
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ranges[0].file_offset, 0u);
  EXPECT_EQ(ranges[0].length, 10u);
  const ByteView cut = response->output.first(15);
  EXPECT_FALSE(decode<FileAllocatedRanges>(cut));
}

TEST(Ioctl, CopychunkTakesTheKeyThatTheServerGave) {
  const Golden<IoctlResponse> key(golden::kIoctlResumeKey);
  EXPECT_EQ(key->ctl_code, FSCTL_SRV_REQUEST_RESUME_KEY);
  const auto resume = carried<SrvRequestResumeKeyResponse>(key->output);
  const Golden<IoctlRequest> request(golden::kIoctlCopychunkRequest);
  EXPECT_EQ(request->ctl_code, FSCTL_SRV_COPYCHUNK);
  const auto copy = carried<SrvCopychunkCopy>(request->input);
  EXPECT_EQ(copy.source_key, resume.resume_key);
  ASSERT_EQ(copy.chunks.size(), 1u);
  EXPECT_EQ(copy.chunks[0].source_offset, 0u);
  EXPECT_EQ(copy.chunks[0].target_offset, 20u);
  EXPECT_EQ(copy.chunks[0].length, 4u);
}

TEST(Ioctl, ResumeKeyWithoutItsEmptyContextIsEnough) {
  EXPECT_TRUE(decode<SrvRequestResumeKeyResponse>(Bytes(28)));
  EXPECT_FALSE(decode<SrvRequestResumeKeyResponse>(Bytes(27)));
}

TEST(Ioctl, CopychunkAnswersWithWhatItCopiedOrItsLimits) {
  const Golden<IoctlResponse> done(golden::kIoctlCopychunkResponse);
  const auto counts = carried<SrvCopychunkResponse>(done->output);
  EXPECT_EQ(counts.chunks_written, 1u);
  EXPECT_EQ(counts.chunk_bytes_written, 0u);
  EXPECT_EQ(counts.total_bytes_written, 4u);
  const Golden<IoctlResponse> refused(golden::kIoctlCopychunkLimits);
  EXPECT_EQ(refused.header.status, NtStatus::STATUS_INVALID_PARAMETER);
  const auto limits = carried<SrvCopychunkResponse>(refused->output);
  EXPECT_EQ(limits.chunks_written, 256u);
  EXPECT_EQ(limits.chunk_bytes_written, 1u << 20);
  EXPECT_EQ(limits.total_bytes_written, 16u << 20);
}

TEST(Ioctl, ValidateNegotiateInfoRepeatsTheNegotiation) {
  const Golden<NegotiateRequest> asked(golden::kNegotiateRequest302);
  const Golden<NegotiateResponse> answered(golden::kNegotiateResponse302);
  const Golden<IoctlRequest> request(golden::kIoctlValidateRequest);
  EXPECT_EQ(request->ctl_code, FSCTL_VALIDATE_NEGOTIATE_INFO);
  EXPECT_EQ(request->file_id, FileId::of_previous());
  const auto ours = carried<ValidateNegotiateInfoRequest>(request->input);
  EXPECT_EQ(ours.capabilities, asked->capabilities);
  EXPECT_EQ(ours.guid, asked->client_guid);
  EXPECT_EQ(ours.security_mode, asked->security_mode);
  EXPECT_EQ(ours.dialects, asked->dialects);
  const Golden<IoctlResponse> response(golden::kIoctlValidateResponse);
  const auto theirs = carried<ValidateNegotiateInfoResponse>(response->output);
  EXPECT_EQ(theirs.capabilities, answered->capabilities);
  EXPECT_EQ(theirs.guid, answered->server_guid);
  EXPECT_EQ(theirs.security_mode, answered->security_mode);
  EXPECT_EQ(theirs.dialect, answered->dialect_revision);
}

TEST(Ioctl, NetworkInterfacesAreAChain) {
  const Golden<IoctlResponse> response(golden::kIoctlNetworkInterfaces);
  ChainReader<NetworkInterfaceInfo> interfaces(response->output);
  const auto first = interfaces.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->if_index, 0xFFFFFFFFu);
  EXPECT_EQ(first->capability, 0u);
  EXPECT_EQ(first->link_speed, 1'000'000'000u);
  EXPECT_EQ(first->sock_addr_storage[0], 2);  // [MS-SMB2] 2.2.32.5.1: InterNetwork
  EXPECT_EQ(first->sock_addr_storage[4], 127);
  EXPECT_FALSE(interfaces.next());
  EXPECT_FALSE(interfaces.error());
}

TEST(Reparse, SymbolicLink) {
  const Golden<IoctlRequest> request(golden::kIoctlSetReparsePoint);
  EXPECT_EQ(request->ctl_code, FSCTL_SET_REPARSE_POINT);
  const auto link = carried<SymbolicLinkReparseDataBuffer>(request->input);
  EXPECT_EQ(link.substitute_name, u"h.txt");
  EXPECT_EQ(link.print_name, u"h.txt");
  EXPECT_EQ(link.flags, SYMLINK_FLAG_RELATIVE);
  const auto any = carried<ReparseDataBuffer>(request->input);
  EXPECT_EQ(any.reparse_tag, IO_REPARSE_TAG_SYMLINK);
  EXPECT_EQ(any.data_buffer.size(), 32u);
  for (std::size_t length = 0; length < request->input.size(); ++length) {
    const ExactCopy cut(request->input.first(length));
    EXPECT_FALSE(decode<SymbolicLinkReparseDataBuffer>(cut.view())) << length;
    EXPECT_FALSE(decode<ReparseDataBuffer>(cut.view())) << length;
  }
}

// [MS-FSCC] 2.1.2.5, by the layout: \??\C:\x and C:\x, each with the NUL that Windows writes.
TEST(Reparse, MountPoint) {
  const Bytes bytes = from_hex(
      "030000a0 2400 0000 0000 1000 1200 0800"
      "5c003f003f005c0043003a005c007800 0000 43003a005c007800 0000");
  const auto point = carried<MountPointReparseDataBuffer>(bytes);
  EXPECT_EQ(point.substitute_name, u"\\??\\C:\\x");
  EXPECT_EQ(point.print_name, u"C:\\x");
}

TEST(Reparse, NamesOutsideThePathBufferAreRefused) {
  Bytes bytes = from_hex("0c0000a0 1000 0000 0000 0400 0000 0400 00000000 61006200");
  EXPECT_TRUE(decode<SymbolicLinkReparseDataBuffer>(bytes));
  bytes[8] = 2;  // the substitute name begins at 2 and ends at 6
  const auto refused = decode<SymbolicLinkReparseDataBuffer>(bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()),
            "SymbolicLinkReparseDataBuffer.substitute_name_offset at offset 8: offset outside the data");
}

TEST(Reparse, AnotherTagIsRefused) {
  const auto refused = decode<MountPointReparseDataBuffer>(from_hex("0c0000a0"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().problem, DecodeProblem::bad_magic);
}

}  // namespace
}  // namespace smb3fuse::wire
