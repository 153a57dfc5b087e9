// SPDX-License-Identifier: Apache-2.0
// CREATE and its contexts, CLOSE, READ, WRITE, FLUSH, LOCK, breaks, CHANGE_NOTIFY, ERROR: what the fields of the golden
// messages mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/wire/cancel.h"
#include "smb/wire/change_notify.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/error.h"
#include "smb/wire/lock.h"
#include "smb/wire/oplock_break.h"
#include "smb/wire/read_write.h"
#include "smb/wire/utf16.h"
#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

constexpr FileId kGoldenFile{0xAC8D56BA, 0xBB3453B6};
constexpr LeaseKey kGoldenLease{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

template <class T>
T context_of(const std::vector<CreateContext>& contexts) {
  const auto found = find_context<T>(contexts);
  EXPECT_TRUE(found.has_value());
  EXPECT_TRUE(found && found->has_value());
  return found.value_or(std::nullopt).value_or(T{});
}

TEST(Create, RequestSaysHowToOpen) {
  const Golden<CreateRequest> request(golden::kCreateRequest);
  EXPECT_EQ(request->requested_oplock_level, OplockLevel::none);
  EXPECT_EQ(request->impersonation_level, ImpersonationLevel::impersonation);
  EXPECT_EQ(request->desired_access, 0x0012019Fu);
  EXPECT_EQ(request->file_attributes, 0u);
  EXPECT_EQ(request->share_access, FILE_SHARE_READ | FILE_SHARE_WRITE);
  EXPECT_EQ(request->create_disposition, CreateDisposition::overwrite_if);
  EXPECT_EQ(request->create_options, FILE_NON_DIRECTORY_FILE);
  EXPECT_EQ(request->name, u"h.txt");
  EXPECT_TRUE(request->create_contexts.empty());
}

TEST(Create, RequestForTheRootHasAnEmptyNameAndABuffer) {
  const Golden<CreateRequest> request(golden::kCreateRootRequest);
  EXPECT_TRUE(request->name.empty());
  EXPECT_EQ(request->create_options, FILE_DIRECTORY_FILE);
  // [MS-SMB2] 2.2.13: the name's offset is given, and the buffer has at least one byte.
  const Bytes encoded = encode(request.body);
  ASSERT_EQ(encoded.size(), 57u);
  EXPECT_EQ(load_le<std::uint16_t>(encoded.data() + 44), 120);
}

TEST(Create, ContextsOfARootRequestStartAlignedBehindTheByteOfBuffer) {
  CreateRequest request;
  request.create_contexts.push_back(make_create_context(QueryOnDiskIdRequest{}));
  const Bytes encoded = encode(request);
  EXPECT_EQ(load_le<std::uint32_t>(encoded.data() + 48), 128u);
  EXPECT_EQ(decoded<CreateRequest>(encoded).create_contexts.at(0).name, "QFid");
}

TEST(Create, ResponseDescribesTheOpen) {
  const Golden<CreateResponse> response(golden::kCreateResponse);
  EXPECT_EQ(response->oplock_level, OplockLevel::none);
  EXPECT_EQ(response->create_action, CreateAction::created);
  EXPECT_EQ(to_timespec(response->creation_time).tv_sec, 1795250264);  // 2026-11-21 08:37:44.9604197
  EXPECT_EQ(to_timespec(response->creation_time).tv_nsec, 960419700);
  EXPECT_EQ(response->change_time, response->last_write_time);
  EXPECT_EQ(response->allocation_size, 0u);
  EXPECT_EQ(response->end_of_file, 0u);
  EXPECT_EQ(response->file_attributes, FILE_ATTRIBUTE_ARCHIVE);
  EXPECT_EQ(response->file_id, (FileId{0x2ECC8293, 0x604AE2D5}));
}

TEST(Create, RequestCarriesContexts) {
  const Golden<CreateRequest> request(golden::kCreateRequestContexts);
  EXPECT_EQ(request->name, u"leased.txt");
  EXPECT_EQ(request->requested_oplock_level, OplockLevel::lease);
  ASSERT_EQ(request->create_contexts.size(), 4u);
  const auto lease = context_of<CreateLeaseV2>(request->create_contexts);
  EXPECT_EQ(lease.lease_key, kGoldenLease);
  EXPECT_EQ(lease.lease_state, SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING | SMB2_LEASE_WRITE_CACHING);
  EXPECT_EQ(lease.lease_flags, 0u);
  EXPECT_EQ(lease.parent_lease_key, LeaseKey{});
  EXPECT_EQ(lease.epoch, 1);
  const auto durable = context_of<DurableHandleRequestV2>(request->create_contexts);
  EXPECT_EQ(durable.timeout, 60000u);
  EXPECT_EQ(durable.flags, 0u);
  EXPECT_EQ(to_string(durable.create_guid), "23222120-2524-2726-2829-2a2b2c2d2e2f");
  context_of<QueryMaximalAccessRequest>(request->create_contexts);
  context_of<QueryOnDiskIdRequest>(request->create_contexts);
  EXPECT_FALSE(find_context<CreateLease>(request->create_contexts)->has_value());
}

TEST(Create, ResponseAnswersContexts) {
  const Golden<CreateResponse> response(golden::kCreateResponseContexts);
  EXPECT_EQ(response->oplock_level, OplockLevel::lease);
  const auto access = context_of<QueryMaximalAccessResponse>(response->create_contexts);
  EXPECT_EQ(access.query_status, NtStatus::STATUS_SUCCESS);
  EXPECT_EQ(access.maximal_access, 0x001F01FFu);
  EXPECT_EQ(context_of<DurableHandleResponseV2>(response->create_contexts).timeout, 60000u);
  const auto id = context_of<QueryOnDiskIdResponse>(response->create_contexts);
  EXPECT_EQ(id.disk_file_id, 0xA88015u);
  EXPECT_EQ(id.volume_id, 0xFE00u);
  const auto lease = context_of<CreateLeaseV2>(response->create_contexts);
  EXPECT_EQ(lease.lease_key, kGoldenLease);
  EXPECT_EQ(lease.lease_state, 7u);
  EXPECT_EQ(lease.epoch, 2);
}

TEST(Create, FirstVersionsOfDurableHandlesAndLeases) {
  const Golden<CreateRequest> durable(golden::kCreateRequestDurable);
  EXPECT_EQ(durable->requested_oplock_level, OplockLevel::batch);
  context_of<DurableHandleRequest>(durable->create_contexts);
  EXPECT_EQ(context_of<AllocationSizeRequest>(durable->create_contexts).allocation_size, 8192u);
  const Golden<CreateResponse> granted(golden::kCreateResponseDurable);
  EXPECT_EQ(granted->allocation_size, 8192u);
  context_of<DurableHandleResponse>(granted->create_contexts);
  const Golden<CreateResponse> leased(golden::kCreateResponseLeaseV1);
  const auto lease = context_of<CreateLease>(leased->create_contexts);
  EXPECT_EQ(lease.lease_key.bytes[0], 0x40);
  EXPECT_EQ(lease.lease_state, SMB2_LEASE_READ_CACHING | SMB2_LEASE_HANDLE_CACHING);
  EXPECT_FALSE(find_context<CreateLeaseV2>(leased->create_contexts)->has_value());
}

// [MS-SMB2] 2.2.13.2.4, 2.2.13.2.7, 2.2.13.2.12: by the layouts.
TEST(Create, ContextsThatReconnectAndTravelInTime) {
  const FileId file{0x0807060504030201, 0x1817161514131211};
  const std::string_view id = "0102030405060708 1112131415161718";
  EXPECT_EQ(encode(DurableHandleReconnect{file}), from_hex(id));
  EXPECT_EQ(decoded<DurableHandleReconnect>(from_hex(id)).data, file);
  DurableHandleReconnectV2 reconnect{file, {}, SMB2_DHANDLE_FLAG_PERSISTENT};
  reconnect.create_guid.bytes.fill(0xAB);
  const Bytes bytes = from_hex("0102030405060708 1112131415161718 abababababababababababababababab 02000000");
  EXPECT_EQ(encode(reconnect), bytes);
  EXPECT_EQ(decoded<DurableHandleReconnectV2>(bytes).file_id, file);
  EXPECT_EQ(decoded<DurableHandleReconnectV2>(bytes).flags, SMB2_DHANDLE_FLAG_PERSISTENT);
  EXPECT_EQ(decoded<TimewarpToken>(from_hex("00004a60d1bfd501")).timestamp, (FileTime{0x01D5BFD1604A0000}));
}

TEST(Create, KeepsContextsItDoesNotKnow) {
  CreateRequest request;
  request.name = u"x";
  request.create_contexts = {
      {"ExtA", from_hex("010203")}, {std::string(16, 'g'), {}}, make_create_context(TimewarpToken{{5}})};
  const Bytes encoded = encode(request);
  const auto again = decoded<CreateRequest>(encoded);
  ASSERT_EQ(again.create_contexts.size(), 3u);
  EXPECT_EQ(again.create_contexts[0].data, from_hex("010203"));
  EXPECT_EQ(again.create_contexts[1].name, std::string(16, 'g'));
  EXPECT_EQ(context_of<TimewarpToken>(again.create_contexts).timestamp.value, 5u);
}

TEST(Create, ReportsAContextThatIsCutShort) {
  const std::vector<CreateContext> contexts = {{"DH2Q", from_hex("60ea0000")}};
  const auto broken = find_context<DurableHandleResponseV2>(contexts);
  ASSERT_FALSE(broken);
  EXPECT_EQ(to_string(broken.error()), "DurableHandleResponseV2.flags at offset 4: truncated");
}

TEST(Create, RefusesContextsThatLeaveTheirChain) {
  Bytes bytes = from_hex(golden::kCreateResponseContexts);
  bytes[152 + 10] = 0xF0;  // the first context's DataOffset
  const auto response = decode<CreateResponse>(ByteView(bytes).subspan(kSmb2HeaderSize));
  ASSERT_FALSE(response);
  EXPECT_EQ(to_string(response.error()), "CreateContext.data_offset at offset 162: offset outside the data");
}

TEST(Close, ReturnsTheAttributesWhenAsked) {
  const Golden<CloseRequest> request(golden::kCloseRequest);
  EXPECT_EQ(request->flags, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
  EXPECT_EQ(request->file_id, kGoldenFile);
  const Golden<CloseResponse> response(golden::kCloseResponse);
  EXPECT_EQ(response->flags, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
  EXPECT_EQ(to_timespec(response->creation_time).tv_nsec, 230717900);
  EXPECT_EQ(to_timespec(response->last_write_time).tv_nsec, 257929200);
  EXPECT_EQ(response->allocation_size, 8192u);
  EXPECT_EQ(response->end_of_file, 24u);
  EXPECT_EQ(response->file_attributes, FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_SPARSE_FILE);
}

TEST(Read, ResponseDataIsASliceOfTheMessage) {
  const Golden<ReadRequest> request(golden::kReadRequest);
  EXPECT_EQ(request->padding, kReadResponseDataOffset);
  EXPECT_EQ(request->length, 19u);
  EXPECT_EQ(request->offset, 0u);
  EXPECT_EQ(request->file_id, kGoldenFile);
  EXPECT_EQ(request->minimum_count, 0u);
  const Golden<ReadResponse> response(golden::kReadResponse);
  EXPECT_EQ(response->data.length, 19u);
  EXPECT_EQ(response->data.bytes.data(), response.bytes.data() + kReadResponseDataOffset);
  EXPECT_EQ(std::string(response->data.bytes.begin(), response->data.bytes.end()), "The quick brown fox");
}

TEST(Read, RequestHasAByteOfBuffer) { EXPECT_EQ(encode(ReadRequest{}).size(), 49u); }

TEST(Write, RequestEndsWhereItsDataFollows) {
  const Golden<WriteRequest> golden(golden::kWriteRequest);
  EXPECT_EQ(golden->offset, 0u);
  EXPECT_EQ(golden->file_id, kGoldenFile);
  EXPECT_EQ(std::string(golden->data.bytes.begin(), golden->data.bytes.end()), "The quick brown fox");
  WriteRequest request = golden.body;
  request.data = Payload::follows(19);
  const Bytes encoded = encode(request);
  EXPECT_EQ(encoded.size(), golden.bytes.size() - kSmb2HeaderSize - 19);
  EXPECT_TRUE(std::equal(encoded.begin(), encoded.end(), golden.bytes.begin() + kSmb2HeaderSize));
}

TEST(Write, RefusesDataThatIsNotThere) {
  WriteRequest request;
  request.data = Payload::follows(1);
  const auto refused = decode<WriteRequest>(encode(request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()), "WriteRequest.data_offset at offset 66: offset outside the data");
}

TEST(Write, ResponseCounts) {
  const Golden<WriteResponse> response(golden::kWriteResponse);
  EXPECT_EQ(response->count, 19u);
  EXPECT_EQ(response->remaining, 0u);
}

TEST(Lock, RequestListsRanges) {
  const Golden<LockRequest> request(golden::kLockRequest);
  EXPECT_EQ(request->file_id, kGoldenFile);
  ASSERT_EQ(request->locks.size(), 2u);
  EXPECT_EQ(request->locks[1].offset, 8u);
  EXPECT_EQ(request->locks[1].length, 8u);
  EXPECT_EQ(request->locks[1].flags, SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY);
  const Golden<LockRequest> unlock(golden::kUnlockRequest);
  ASSERT_EQ(unlock->locks.size(), 1u);
  EXPECT_EQ(unlock->locks[0].flags, SMB2_LOCKFLAG_UNLOCK);
}

TEST(Breaks, OfALeaseAreToldFromThoseOfAnOplockByTheirSize) {
  const Golden<LeaseBreakNotification> lease(golden::kLeaseBreakNotification);
  EXPECT_EQ(lease.header.message_id, kUnsolicitedMessageId);
  EXPECT_EQ(structure_size_of(ByteView(lease.bytes).subspan(kSmb2HeaderSize)), LeaseBreakNotification::kStructureSize);
  EXPECT_EQ(lease->new_epoch, 3);
  EXPECT_EQ(lease->flags, SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED);
  EXPECT_EQ(lease->lease_key, kGoldenLease);
  EXPECT_EQ(lease->current_lease_state, 7u);
  EXPECT_EQ(lease->new_lease_state, 0u);
  const Golden<LeaseBreakAcknowledgment> acknowledgment(golden::kLeaseBreakAcknowledgment);
  EXPECT_EQ(acknowledgment->lease_key, kGoldenLease);
  EXPECT_EQ(acknowledgment->lease_state, 0u);
  const Golden<OplockBreak> oplock(golden::kOplockBreakNotification);
  EXPECT_EQ(oplock.header.message_id, kUnsolicitedMessageId);
  EXPECT_EQ(structure_size_of(ByteView(oplock.bytes).subspan(kSmb2HeaderSize)), OplockBreak::kStructureSize);
  EXPECT_EQ(oplock->oplock_level, OplockLevel::none);
  EXPECT_EQ(oplock->file_id, (FileId{0xBD3337CE, 0xC5A5A72A}));
  EXPECT_EQ(Golden<OplockBreak>(golden::kOplockBreakAcknowledgment)->oplock_level, OplockLevel::level_ii);
}

TEST(ChangeNotify, NamesWhatChanged) {
  const Golden<ChangeNotifyRequest> request(golden::kChangeNotifyRequest);
  EXPECT_EQ(request->output_buffer_length, 4096u);
  EXPECT_EQ(request->completion_filter, 0x17Fu);
  const Golden<ChangeNotifyResponse> response(golden::kChangeNotifyResponse);
  EXPECT_TRUE(response.header.is_async());
  ChainReader<FileNotifyInformation> changes(response->buffer);
  const auto change = changes.next();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->action, NotifyAction::added);
  EXPECT_EQ(to_utf8(change->file_name), "new one");
  EXPECT_FALSE(changes.next());
  EXPECT_FALSE(changes.error());
}

TEST(Cancel, GoesByTheAsyncIdOfThePendingAnswer) {
  const Golden<ErrorResponse> pending(golden::kErrorPending);
  EXPECT_EQ(pending.header.status, NtStatus::STATUS_PENDING);
  EXPECT_EQ(pending.header.async_id, 0x3Au);
  const Golden<CancelRequest> cancel(golden::kCancelRequest);
  EXPECT_TRUE(cancel.header.is_async());
  EXPECT_EQ(cancel.header.async_id, 0x3Bu);
}

}  // namespace
}  // namespace smb3fuse::wire
