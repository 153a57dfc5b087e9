// SPDX-License-Identifier: Apache-2.0
// Fuzzes what QUERY_INFO, SET_INFO and IOCTL carry, but for chains (wire_listings.cpp). The first byte chooses.
#include "smb/wire/fscc.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/reparse.h"
#include "tests/fuzz/wire_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::wire;
  check_one_of<
      FileBasicInformation, FileStandardInformation, FileInternalInformation, FileEaInformation, FileAccessInformation,
      FilePositionInformation, FileModeInformation, FileAlignmentInformation, FileNameInformation, FileAllInformation,
      FileNetworkOpenInformation, FileAttributeTagInformation, FileIdInformation, FileRenameInformation,
      FileRenameInformationEx, FileLinkInformation, FileDispositionInformation, FileDispositionInformationEx,
      FileEndOfFileInformation, FileAllocationInformation, FileFsVolumeInformation, FileFsSizeInformation,
      FileFsFullSizeInformation, FileFsDeviceInformation, FileFsAttributeInformation, FileFsSectorSizeInformation,
      FileFsObjectIdInformation, ValidateNegotiateInfoRequest, ValidateNegotiateInfoResponse,
      SrvRequestResumeKeyResponse, SrvCopychunkCopy, SrvCopychunkResponse, FileSetSparseBuffer, FileZeroDataInformation,
      FileAllocatedRanges, ReparseDataBuffer, SymbolicLinkReparseDataBuffer, MountPointReparseDataBuffer>({data, size});
  return 0;
}
