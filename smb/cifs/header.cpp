// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/header.h"

namespace smb3fuse::cifs {
namespace {

struct DosError {
  std::uint8_t error_class;
  std::uint16_t code;
  NtStatus status;
};

constexpr std::uint8_t kErrDos = 0x01;
constexpr std::uint8_t kErrSrv = 0x02;
constexpr std::uint8_t kErrHrd = 0x03;

// [MS-CIFS] 2.2.2.4. Of several NTSTATUS with one DOS error the most usual.
constexpr DosError kDosErrors[] = {
    {kErrDos, 1, NtStatus::STATUS_NOT_IMPLEMENTED},           // ERRbadfunc
    {kErrDos, 2, NtStatus::STATUS_OBJECT_NAME_NOT_FOUND},     // ERRbadfile
    {kErrDos, 3, NtStatus::STATUS_OBJECT_PATH_NOT_FOUND},     // ERRbadpath
    {kErrDos, 4, NtStatus::STATUS_TOO_MANY_OPENED_FILES},     // ERRnofids
    {kErrDos, 5, NtStatus::STATUS_ACCESS_DENIED},             // ERRnoaccess
    {kErrDos, 6, NtStatus::STATUS_INVALID_HANDLE},            // ERRbadfid
    {kErrDos, 8, NtStatus::STATUS_INSUFF_SERVER_RESOURCES},   // ERRnomem
    {kErrDos, 12, NtStatus::STATUS_ACCESS_DENIED},            // ERRbadaccess
    {kErrDos, 13, NtStatus::STATUS_DATA_ERROR},               // ERRbaddata
    {kErrDos, 15, NtStatus::STATUS_NO_SUCH_DEVICE},           // ERRbaddrive
    {kErrDos, 16, NtStatus::STATUS_DIRECTORY_NOT_EMPTY},      // ERRremcd
    {kErrDos, 17, NtStatus::STATUS_NOT_SAME_DEVICE},          // ERRdiffdevice
    {kErrDos, 18, NtStatus::STATUS_NO_MORE_FILES},            // ERRnofiles
    {kErrDos, 32, NtStatus::STATUS_SHARING_VIOLATION},        // ERRbadshare
    {kErrDos, 33, NtStatus::STATUS_FILE_LOCK_CONFLICT},       // ERRlock
    {kErrDos, 38, NtStatus::STATUS_END_OF_FILE},              // ERReof
    {kErrDos, 50, NtStatus::STATUS_NOT_SUPPORTED},            // ERRunsup
    {kErrDos, 80, NtStatus::STATUS_OBJECT_NAME_COLLISION},    // ERRfilexists
    {kErrDos, 87, NtStatus::STATUS_INVALID_PARAMETER},        // ERRinvalidparam
    {kErrDos, 111, NtStatus::STATUS_BUFFER_TOO_SMALL},        // ERRbuftoosmall
    {kErrDos, 112, NtStatus::STATUS_DISK_FULL},               // ERROR_DISK_FULL
    {kErrDos, 123, NtStatus::STATUS_OBJECT_NAME_INVALID},     // ERRinvalidname
    {kErrDos, 124, NtStatus::STATUS_INVALID_INFO_CLASS},      // ERRunknownlevel
    {kErrDos, 145, NtStatus::STATUS_DIRECTORY_NOT_EMPTY},     // ERRdirnotempty
    {kErrDos, 158, NtStatus::STATUS_RANGE_NOT_LOCKED},        // ERRnotlocked
    {kErrDos, 183, NtStatus::STATUS_OBJECT_NAME_COLLISION},   // ERRrename
    {kErrDos, 234, NtStatus::STATUS_BUFFER_OVERFLOW},         // ERRmoredata
    {kErrDos, 267, NtStatus::STATUS_NOT_A_DIRECTORY},         // ERROR_DIRECTORY
    {kErrDos, 1022, NtStatus::STATUS_NOTIFY_ENUM_DIR},        // ERR_NOTIFY_ENUM_DIR
    {kErrSrv, 2, NtStatus::STATUS_LOGON_FAILURE},             // ERRbadpw
    {kErrSrv, 4, NtStatus::STATUS_ACCESS_DENIED},             // ERRaccess
    {kErrSrv, 5, NtStatus::STATUS_NETWORK_NAME_DELETED},      // ERRinvtid
    {kErrSrv, 6, NtStatus::STATUS_BAD_NETWORK_NAME},          // ERRinvnetname
    {kErrSrv, 7, NtStatus::STATUS_BAD_DEVICE_TYPE},           // ERRinvdevice
    {kErrSrv, 22, NtStatus::STATUS_NOT_IMPLEMENTED},          // ERRsmbcmd
    {kErrSrv, 52, NtStatus::STATUS_DISK_FULL},                // ERRqfull
    {kErrSrv, 64, NtStatus::STATUS_NOT_SUPPORTED},            // ERRsmbcmd, of a command that is known
    {kErrSrv, 89, NtStatus::STATUS_INSUFF_SERVER_RESOURCES},  // ERRnoresource
    {kErrSrv, 90, NtStatus::STATUS_TOO_MANY_SESSIONS},        // ERRtoomanyuids
    {kErrSrv, 91, NtStatus::STATUS_USER_SESSION_DELETED},     // ERRbaduid
    {kErrSrv, 2239, NtStatus::STATUS_ACCOUNT_EXPIRED},        // ERRaccountExpired
    {kErrSrv, 2242, NtStatus::STATUS_PASSWORD_EXPIRED},       // ERRpasswordExpired
    {kErrHrd, 19, NtStatus::STATUS_MEDIA_WRITE_PROTECTED},    // ERRnowrite
    {kErrHrd, 21, NtStatus::STATUS_DEVICE_NOT_READY},         // ERRnotready
    {kErrHrd, 23, NtStatus::STATUS_DATA_ERROR},               // ERRdata
    {kErrHrd, 31, NtStatus::STATUS_UNSUCCESSFUL},             // ERRgeneral
    {kErrHrd, 32, NtStatus::STATUS_SHARING_VIOLATION},        // ERRbadshare
    {kErrHrd, 33, NtStatus::STATUS_FILE_LOCK_CONFLICT},       // ERRlock
    {kErrHrd, 39, NtStatus::STATUS_DISK_FULL},                // ERRdiskfull
};

}  // namespace

std::string_view name_of(Command command) {
  switch (command) {
    case Command::create_directory:
      return "CREATE_DIRECTORY";
    case Command::delete_directory:
      return "DELETE_DIRECTORY";
    case Command::close:
      return "CLOSE";
    case Command::flush:
      return "FLUSH";
    case Command::remove:
      return "DELETE";
    case Command::rename:
      return "RENAME";
    case Command::locking_andx:
      return "LOCKING_ANDX";
    case Command::echo:
      return "ECHO";
    case Command::read_andx:
      return "READ_ANDX";
    case Command::write_andx:
      return "WRITE_ANDX";
    case Command::transaction:
      return "TRANSACTION";
    case Command::transaction2:
      return "TRANSACTION2";
    case Command::transaction2_secondary:
      return "TRANSACTION2_SECONDARY";
    case Command::find_close2:
      return "FIND_CLOSE2";
    case Command::tree_disconnect:
      return "TREE_DISCONNECT";
    case Command::negotiate:
      return "NEGOTIATE";
    case Command::session_setup_andx:
      return "SESSION_SETUP_ANDX";
    case Command::logoff_andx:
      return "LOGOFF_ANDX";
    case Command::tree_connect_andx:
      return "TREE_CONNECT_ANDX";
    case Command::nt_transact:
      return "NT_TRANSACT";
    case Command::nt_transact_secondary:
      return "NT_TRANSACT_SECONDARY";
    case Command::nt_create_andx:
      return "NT_CREATE_ANDX";
    case Command::nt_cancel:
      return "NT_CANCEL";
    case Command::nt_rename:
      return "NT_RENAME";
    case Command::none:
      break;
  }
  return {};
}

NtStatus status_of(const Header& header) {
  const auto error_class = static_cast<std::uint8_t>(header.status);
  const auto code = static_cast<std::uint16_t>(header.status >> 16);
  // What only SMB knows (STATUS_INVALID_SMB, STATUS_SMB_BAD_TID) is a class and a code among NTSTATUS, too.
  const bool is_dos_error = (header.status & 0xC000FF00u) == 0 && error_class != 0 && code != 0;
  const bool is_nt_status = (header.flags2 & SMB_FLAGS2_NT_STATUS) != 0 && !is_dos_error;
  if (header.status == 0 || is_nt_status) return static_cast<NtStatus>(header.status);
  if (error_class == 0) return NtStatus::STATUS_SUCCESS;
  for (const DosError& known : kDosErrors) {
    if (known.error_class == error_class && known.code == code) return known.status;
  }
  return NtStatus::STATUS_UNSUCCESSFUL;
}

}  // namespace smb3fuse::cifs
