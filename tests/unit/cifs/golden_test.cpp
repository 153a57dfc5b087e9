// SPDX-License-Identifier: Apache-2.0
// What the golden messages of SMB1 mean, and that ours are the same bytes.
#include "tests/unit/cifs/golden.h"

#include <utility>

#include "smb/cifs/file.h"
#include "smb/cifs/paths.h"
#include "smb/cifs/session.h"
#include "smb/cifs/trans2.h"
#include "smb/cifs/transaction.h"
#include "smb/wire/utf16.h"
#include "tests/unit/cifs/cifs_test.h"

namespace smb3fuse::cifs {
namespace {

TEST(SmbHeader, TellsWhoAsksForWhat) {
  const GoldenMessage message(golden::kNtCreateResponse);
  EXPECT_EQ(message.header.command, Command::nt_create_andx);
  EXPECT_TRUE(message.header.is_response());
  EXPECT_FALSE(message.header.is_signed());
  EXPECT_EQ(message.header.tid, 0xC03D);
  EXPECT_EQ(message.header.uid, 0x568F);
  EXPECT_EQ(message.header.mid, 4);
  EXPECT_EQ(status_of(message.header), NtStatus::STATUS_SUCCESS);
  EXPECT_EQ(wire::encode(message.header), Bytes(message.bytes.begin(), message.bytes.begin() + kHeaderSize));
}

TEST(SmbHeader, HasAnNtStatusOrADosError) {
  EXPECT_EQ(status_of(GoldenMessage(golden::kNtTransactRefused).header), NtStatus::STATUS_NOT_SUPPORTED);
  Header header;
  header.status = 0x00020001;  // ERRDOS, ERRbadfile
  EXPECT_EQ(status_of(header), NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  header.status = 0x00060002;  // ERRSRV, ERRinvnetname
  EXPECT_EQ(status_of(header), NtStatus::STATUS_BAD_NETWORK_NAME);
  header.status = 0x77770001;  // one that nobody knows
  EXPECT_EQ(status_of(header), NtStatus::STATUS_UNSUCCESSFUL);
  header.status = 0;
  EXPECT_EQ(status_of(header), NtStatus::STATUS_SUCCESS);
  // [MS-CIFS] 2.2.2.4: those that only SMB knows stand among NTSTATUS as they are.
  header.flags2 = SMB_FLAGS2_NT_STATUS;
  header.status = 0x00050002;  // STATUS_SMB_BAD_TID
  EXPECT_EQ(status_of(header), NtStatus::STATUS_NETWORK_NAME_DELETED);
  header.status = 0x0000010C;
  EXPECT_EQ(status_of(header), NtStatus::STATUS_NOTIFY_ENUM_DIR);
}

TEST(Negotiate, OffersDialectsByName) {
  NegotiateRequest request;
  request.dialects = {{make_oem("NT LANMAN 1.0")}, {make_oem("NT LM 0.12")}};
  EXPECT_EQ(built(request), GoldenMessage(golden::kNegotiateRequest).rest());
}

TEST(Negotiate, AnswersWithTheServersLimits) {
  const auto response = GoldenMessage(golden::kNegotiateResponse).as<NegotiateResponse>();
  EXPECT_EQ(response.dialect_index, 0);
  EXPECT_EQ(response.security_mode, NEGOTIATE_USER_SECURITY | NEGOTIATE_ENCRYPT_PASSWORDS);
  EXPECT_EQ(response.max_mpx_count, 50);
  EXPECT_EQ(response.max_buffer_size, 16644u);
  EXPECT_EQ(response.capabilities, 0x8080E3FDu);
  EXPECT_EQ(response.challenge_length, 0);
}

TEST(SessionSetup, CarriesATokenThereAndBack) {
  const GoldenMessage asked(golden::kSessionSetupRequest);
  auto request = asked.as<SessionSetupExtendedRequest>();
  EXPECT_EQ(request.max_buffer_size, 0xFFFF);
  EXPECT_EQ(request.security_blob.size(), 74u);
  EXPECT_EQ(request.security_blob[0], 0x60);
  request.native_os = make_unicode(u"Unix");
  request.native_lan_man = make_unicode(u"Samba");
  EXPECT_EQ(built(request), asked.rest());

  const GoldenMessage answered(golden::kSessionSetupResponse);
  EXPECT_EQ(status_of(answered.header), NtStatus::STATUS_MORE_PROCESSING_REQUIRED);
  EXPECT_EQ(answered.as<SessionSetupExtendedResponse>().security_blob.size(), 165u);
}

TEST(SessionSetup, AnswersTheChallengeOfTheNegotiate) {
  const GoldenMessage negotiated(golden::kPlainNegotiateResponse);
  const auto challenged = negotiated.as<NegotiateResponse>();
  EXPECT_EQ(challenged.challenge_length, 8);
  EXPECT_EQ(challenged.capabilities & CAP_EXTENDED_SECURITY, 0u);

  const GoldenMessage asked(golden::kPlainSessionSetupRequest);
  auto request = asked.as<SessionSetupRequest>();
  EXPECT_EQ(request.oem_password.size(), 24u);
  EXPECT_EQ(request.unicode_password.size(), 70u);
  request.names.clear();
  for (const auto* name : {u"tester", u"WORKGROUP", u"Unix", u"Samba"}) request.names.push_back(make_unicode(name));
  EXPECT_EQ(built(request), asked.rest());

  EXPECT_EQ(GoldenMessage(golden::kPlainSessionSetupResponse).as<SessionSetupResponse>().action, 0);
}

TEST(SessionSetup, HasThePasswordAsItIsAtAMultipleOfTwo) {
  const auto negotiated = GoldenMessage(golden::kPlaintextNegotiateResponse).as<NegotiateResponse>();
  EXPECT_EQ(negotiated.security_mode & NEGOTIATE_ENCRYPT_PASSWORDS, 0);
  EXPECT_EQ(negotiated.challenge_length, 0);

  const GoldenMessage asked(golden::kPlaintextSessionSetupRequest);
  auto request = asked.as<SessionSetupRequest>();
  EXPECT_TRUE(request.oem_password.empty());
  const Bytes password = {'s', 0, 'e', 0, 'c', 0, 'r', 0, 'e', 0, 't', 0, 0, 0};
  ASSERT_EQ(request.unicode_password.size(), password.size());
  request.unicode_password = password;
  request.is_plaintext = true;
  request.names.clear();
  for (const auto* name : {u"tester", u"WORKGROUP", u"Unix", u"Samba"}) request.names.push_back(make_unicode(name));
  EXPECT_EQ(built(request), asked.rest());
}

TEST(TreeConnect, NamesAShareAndAService) {
  TreeConnectRequest request;
  request.flags = 0x000C;
  static constexpr std::uint8_t kNone[] = {0};
  request.password = kNone;
  request.path = make_unicode(u"\\\\127.0.0.1\\SHARE");
  request.service = make_oem("?????");
  EXPECT_EQ(built(request), GoldenMessage(golden::kTreeConnectRequest).rest());

  const GoldenMessage answered(golden::kTreeConnectResponse);
  const auto response = answered.as<TreeConnectExtendedResponse>();
  EXPECT_EQ(response.optional_support, 0x0021);
  EXPECT_EQ(response.maximal_share_access_rights, 0x001F01FFu);
  EXPECT_EQ(answered.blocks[0].bytes[0], 'A');
}

TEST(NtCreate, OpensByPath) {
  NtCreateRequest request;
  request.desired_access = 0x0012019F;
  request.share_access = 3;
  request.create_disposition = wire::CreateDisposition::overwrite_if;
  request.create_options = 0x40;
  request.name = make_unicode(u"\\a.txt");
  // smbclient sends two null characters and counts one as part of the name; [MS-CIFS] 2.2.4.64.1 does neither.
  Bytes expected = GoldenMessage(golden::kNtCreateRequest).rest();
  EXPECT_EQ(std::exchange(expected[6], std::uint8_t{12}), 14);   // NameLength
  EXPECT_EQ(std::exchange(expected[49], std::uint8_t{15}), 17);  // ByteCount
  expected.resize(expected.size() - 2);
  EXPECT_EQ(built(request), expected);

  const auto response = GoldenMessage(golden::kNtCreateResponse).as<NtCreateResponse>();
  EXPECT_EQ(response.oplock_level, OplockLevel::none);
  EXPECT_EQ(response.fid, 0x3C47);
  EXPECT_EQ(response.create_action, wire::CreateAction::created);
  EXPECT_EQ(response.last_write_time.value, 0x01DD79ED1D32E3D6u);
  EXPECT_EQ(response.file_attributes, 0x20u);
  EXPECT_FALSE(response.directory);
}

TEST(Read, BringsBytesWhereTheAnswerSays) {
  ReadRequest request;
  request.fid = 0xD9E4;
  request.max_count = 6;
  request.min_count = 6;
  EXPECT_EQ(built(request), GoldenMessage(golden::kReadRequest).rest());

  const GoldenMessage answered(golden::kReadResponse);
  auto response = answered.as<ReadResponse>();
  const auto data = response.data(answered.blocks[0], answered.bytes);
  ASSERT_TRUE(data);
  EXPECT_EQ(std::string(data->begin(), data->end()), "hello\n");
  response.data_length = 7;
  EXPECT_FALSE(response.data(answered.blocks[0], answered.bytes));
  response.data_length = 6;
  response.data_length_high = 1;
  EXPECT_FALSE(response.data(answered.blocks[0], answered.bytes));
  response.data_length_high = 0;
  response.data_offset = kHeaderSize;
  EXPECT_FALSE(response.data(answered.blocks[0], answered.bytes));
}

TEST(Write, CarriesItsDataBehindTheWords) {
  static constexpr std::uint8_t kData[] = {'h', 'e', 'l', 'l', 'o', '\n'};
  WriteRequest request;
  request.fid = 0x3C47;
  request.set_data(wire::Payload::of(kData));
  EXPECT_EQ(built(request), GoldenMessage(golden::kWriteRequest).rest());
  EXPECT_EQ(GoldenMessage(golden::kWriteResponse).as<WriteResponse>().written(), 6u);
  WriteResponse large;
  large.count = 0xF000;
  large.count_high = 1;
  EXPECT_EQ(large.written(), 0x1F000u);
}

TEST(Paths, AreAlignedWhereTheyAreUnicode) {
  CloseRequest close;
  close.fid = 0x3C47;
  EXPECT_EQ(built(close), GoldenMessage(golden::kCloseRequest).rest());
  EXPECT_EQ(built(CreateDirectoryRequest{{make_unicode(u"\\d")}}),
            GoldenMessage(golden::kCreateDirectoryRequest).rest());
  EXPECT_EQ(built(DeleteDirectoryRequest{{make_unicode(u"\\d")}}),
            GoldenMessage(golden::kDeleteDirectoryRequest).rest());
  DeleteRequest remove;
  remove.name = {make_unicode(u"\\c.txt")};
  EXPECT_EQ(built(remove), GoldenMessage(golden::kDeleteRequest).rest());
  RenameRequest rename;
  rename.old_name = {make_unicode(u"\\a.txt")};
  rename.new_name = {make_unicode(u"\\c.txt")};
  EXPECT_EQ(built(rename), GoldenMessage(golden::kRenameRequest).rest());
  EXPECT_EQ(built(TreeDisconnectRequest()), GoldenMessage(golden::kTreeDisconnectRequest).rest());
}

TEST(Transaction2, HasParametersAndDataWhereItsOffsetsSay) {
  const GoldenMessage asked(golden::kFindFirst2Request);
  const auto request = asked.as<Transaction2Request>();
  EXPECT_EQ(request.subcommand, static_cast<std::uint16_t>(Trans2::find_first2));
  EXPECT_EQ(request.max_data_count, 0xFFFF);
  const auto find = wire::decoded<FindFirst2Request>(request.parameters);
  EXPECT_EQ(find.search_attributes, 0x0016);
  EXPECT_EQ(find.information_level, 0x0104);
  EXPECT_EQ(find.search_count, 0x0556);
  // Our own has the same parameters at the same place.
  FindFirst2Request same = find;
  same.file_name = make_unicode(u"\\*");
  EXPECT_EQ(wire::encode(same), Bytes(request.parameters.begin(), request.parameters.end()));
  const Transaction2Messages ours = make_transaction2(request, request.parameters, {}, 16644);
  const auto at = asked.bytes.begin() + 68;
  EXPECT_EQ(Bytes(ours.first.begin() + 68, ours.first.begin() + 86), Bytes(at, at + 18));
  EXPECT_TRUE(ours.secondaries.empty());

  const GoldenMessage answered(golden::kFindFirst2Response);
  const auto part = decode_transaction(answered.blocks[0]);
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->is_whole());
  EXPECT_EQ(part->data.size(), 300u);
  const auto found = wire::decoded<FindFirst2Response>(part->parameters);
  EXPECT_EQ(found.search_count, 3);
  EXPECT_EQ(found.end_of_search, 1);
  EXPECT_EQ(found.last_name_offset, 196);
}

TEST(Listing, HasNoIdsWhereTheServerIsOlderThanThey) {
  const GoldenMessage answered(golden::kFullDirectoryResponse);
  const auto part = decode_transaction(answered.blocks[0]);
  ASSERT_TRUE(part);
  const auto entries = split_entries<FindFileFullDirectoryInfo>(part->data, 4);
  ASSERT_TRUE(entries);
  const FindFileFullDirectoryInfo& last = entries->back();
  EXPECT_EQ(CharacterSet(wire::CodePage::find("850")).read(last.file_name), u"a.txt");
  EXPECT_EQ(last.end_of_file, 6u);
  EXPECT_EQ(last.file_attributes, 0x80u);
  EXPECT_EQ(last.file_id, 0u);
}

TEST(Transaction2, AsksForAFileByItsFid) {
  const GoldenMessage asked(golden::kQueryFileRequest);
  const auto request = asked.as<Transaction2Request>();
  EXPECT_EQ(request.subcommand, static_cast<std::uint16_t>(Trans2::query_file_information));
  const auto query = wire::decoded<QueryFileInformationRequest>(request.parameters);
  EXPECT_EQ(query.fid, 0xD9E4);
  EXPECT_EQ(query.information_level, level::query_file_all_info);

  const GoldenMessage answered(golden::kQueryFileResponse);
  const auto part = decode_transaction(answered.blocks[0]);
  ASSERT_TRUE(part);
  const auto all = wire::decoded<QueryFileAllInfo>(part->data);
  EXPECT_EQ(all.basic_information.file_attributes, 0x20u);
  EXPECT_EQ(all.standard_information.end_of_file, 6u);
  EXPECT_EQ(all.standard_information.number_of_links, 1u);
}

TEST(Transaction2, AsksForTheFileSystem) {
  const GoldenMessage answered(golden::kQueryFsResponse);
  const auto part = decode_transaction(answered.blocks[0]);
  ASSERT_TRUE(part);
  const auto size = wire::decoded<wire::FileFsFullSizeInformation>(part->data);
  EXPECT_EQ(size.total_allocation_units, 0x0FBF8E74u);
  EXPECT_EQ(size.sectors_per_allocation_unit, 2u);
  EXPECT_EQ(size.bytes_per_sector, 512u);
}

TEST(NtTransact, CarriesAControlCode) {
  const GoldenMessage asked(golden::kNtTransactRequest);
  const auto request = asked.as<NtTransactRequest>();
  EXPECT_EQ(request.function, static_cast<std::uint16_t>(NtTransact::ioctl));
  constexpr std::uint32_t kEnumerateSnapshots = 0x00144064;
  EXPECT_EQ(request.setup & 0x0001FFFFFFFFFFFF, ioctl_setup(kEnumerateSnapshots, 0x7FEA));
}

TEST(Read, HasAShorterFormForOffsetsOf32Bits) {
  ReadRequest32 request;
  request.fid = 1;
  request.max_count = 18;
  request.min_count = 18;
  EXPECT_EQ(built(request), GoldenMessage(golden::kReadRequest32).rest());
}

TEST(Write, HasAShorterFormForOffsetsOf32Bits) {
  static constexpr std::string_view kText = "hello small world\n";
  const Bytes data(kText.begin(), kText.end());
  WriteRequest32 request;
  request.fid = 1;
  request.set_data(wire::Payload::of(data));
  EXPECT_EQ(built(request), GoldenMessage(golden::kWriteRequest32).rest());
}

// [MS-CIFS] 2.2.4.32.1: without LARGE_FILES.
TEST(Locking, NamesRangesOf32BitsAndNothingBeyond) {
  LockingRequest32 request;
  request.fid = 0x1234;
  request.locks = {LockingRange32::of(1, 0x80000002, 0x300000004)};
  const Bytes expected = {8, 0xFF, 0,  0, 0, 0x34, 0x12, 0, 0, 0,    0,    0,    0,    0,   0,
                          1, 0,    10, 0, 1, 0,    2,    0, 0, 0x80, 0xFD, 0xFF, 0xFF, 0x7F};
  EXPECT_EQ(built(request), expected);
}

TEST(Locking, NamesRangesOfMoreThan32Bits) {
  LockingRequest request;
  request.fid = 0x1234;
  request.locks = {LockingRange::of(1, 0x100000002, 0x300000004)};
  const Bytes expected = {8, 0xFF, 0, 0, 0, 0x34, 0x12, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 20, 0, 1,
                          0, 0,    0, 1, 0, 0,    0,    2,    0, 0, 0, 3, 0, 0, 0, 4, 0, 0,  0};
  EXPECT_EQ(built(request), expected);
}

TEST(EveryMessage, IsRefusedWhenItIsCutShort) {
  for (const golden::Message& message : golden::kMessages) {
    const Bytes whole = wire::from_hex(message.hex);
    ASSERT_TRUE(split_blocks(whole)) << message.name;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const wire::ExactCopy cut(ByteView(whole).first(size));
      EXPECT_FALSE(split_blocks(cut.view())) << message.name << " of " << size << " bytes";
    }
  }
}

// Every field of every answer at its largest: nothing is read outside of the message, and what is refused says where.
TEST(EveryMessage, IsReadWithinItsBounds) {
  for (const golden::Message& message : golden::kMessages) {
    const Bytes whole = wire::from_hex(message.hex);
    for (std::size_t at = kHeaderSize; at < whole.size(); ++at) {
      Bytes changed = whole;
      changed[at] = 0xFF;
      const wire::ExactCopy copy(changed);
      const auto blocks = split_blocks(copy.view());
      if (!blocks) continue;
      for (const Block& block : *blocks) {
        if (is_transaction(block.command)) static_cast<void>(decode_transaction(block));
        if (const auto read = decode<ReadResponse>(block)) static_cast<void>(read->data(block, copy.view()));
        static_cast<void>(decode<SessionSetupExtendedResponse>(block));
        static_cast<void>(decode<NegotiateResponse>(block));
      }
    }
  }
}

// smbclient pads what it sends and tells where data would be; the rest is the same.
TEST(Transaction, AsksAPipeWithoutSetup) {
  const Bytes asked = GoldenMessage(golden::kTransactionRequest).rest();
  constexpr std::size_t kUpToParameterOffset = 1 + 22;
  constexpr std::size_t kBytes = 1 + 28 + 2;
  const Bytes parameters(asked.begin() + 0x5C - kHeaderSize, asked.begin() + 0x5C - kHeaderSize + 0x23);
  TransactionRequest request;
  request.total_parameter_count = 0x23;
  request.max_parameter_count = 8;
  request.max_data_count = 0xFFFF;
  request.name = make_unicode(u"\\PIPE\\LANMAN");
  request.parameters = parameters;
  const Bytes ours = built(request);
  EXPECT_TRUE(std::equal(ours.begin(), ours.begin() + kUpToParameterOffset, asked.begin()));
  EXPECT_TRUE(std::equal(ours.begin() + kBytes, ours.end(), asked.begin() + kBytes));
  EXPECT_EQ(ours.size(), 0x5C - kHeaderSize + parameters.size());
}

TEST(Transaction, IsAnsweredWithParametersAndData) {
  const GoldenMessage answer(golden::kTransactionResponse);
  const auto part = decode_transaction(answer.blocks.at(0));
  ASSERT_TRUE(part) << wire::to_string(part.error());
  EXPECT_TRUE(part->is_whole());
  EXPECT_EQ(part->parameters.size(), 8U);
  EXPECT_EQ(part->data.size(), 35U);
  EXPECT_EQ(part->data[0], 'N');
}

}  // namespace
}  // namespace smb3fuse::cifs
