// SPDX-License-Identifier: Apache-2.0
// The table itself. A row says what it does to the draft in one line; what the groups `ignored` and `refused` hold has
// its reason instead.
#include <arpa/inet.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <utility>

#include "fuse/option_draft.h"
#include "fuse/text.h"
#include "nbt/lmhosts.h"
#include "nbt/name.h"

namespace smb3fuse::fs {
namespace {

using Wrong = std::optional<std::string>;
using Value = std::string_view;
constexpr std::nullopt_t kFine = std::nullopt;

// A flag that sets one member of the draft's part that `part` names.
template <auto member, auto value>
Wrong set(OptionDraft& draft, Value) {
  std::invoke(member, draft) = value;
  return kFine;
}
template <auto member, auto value>
Wrong set_option(OptionDraft& draft, Value) {
  std::invoke(member, draft.options) = value;
  return kFine;
}
template <auto member, auto value>
Wrong set_kernel(OptionDraft& draft, Value) {
  std::invoke(member, draft.options.kernel) = value;
  return kFine;
}

template <auto member, std::uint32_t least, std::uint32_t most>
Wrong number(OptionDraft& draft, Value value) {
  const auto given = number_between<std::uint32_t>(value, least, most);
  if (!given) return "expected a number from " + std::to_string(least) + " to " + std::to_string(most);
  auto& target = std::invoke(member, draft.options);
  using Target = std::remove_reference_t<decltype(target)>;
  if constexpr (std::is_same_v<Target, std::chrono::seconds>) {
    target = std::chrono::seconds(*given);
  } else {
    target = static_cast<
        std::conditional_t<std::is_same_v<Target, std::optional<std::uint16_t>>, std::uint16_t, std::uint32_t>>(*given);
  }
  return kFine;
}

template <mode_t MountOptions::*member>
Wrong mode(OptionDraft& draft, Value value) {
  const auto given = number_between<mode_t>(value, 0, 07777, 8);
  if (!given) return "expected an octal mode such as 0644";
  draft.options.*member = *given;
  return kFine;
}

template <std::optional<std::string> client::DialPolicy::*member>
Wrong netbios_name(OptionDraft& draft, Value value) {
  if (!nbt::make_name(value, nbt::suffix::workstation)) return "expected 1 to 15 characters of ASCII";
  draft.options.dial.*member = value;
  return kFine;
}

template <bool value>
Wrong set_session(OptionDraft& draft, Value) {
  draft.options.dial.session = value;
  return kFine;
}

using client::ResolveMethod;

struct MethodName {
  Value name;
  ResolveMethod method;
};
constexpr std::array kMethods{MethodName{"dns", ResolveMethod::dns}, MethodName{"lmhosts", ResolveMethod::lmhosts},
                              MethodName{"wins", ResolveMethod::wins}, MethodName{"netbios", ResolveMethod::netbios}};

Wrong add_method(OptionDraft& draft, ResolveMethod method) {
  auto& methods = draft.options.dial.resolve;
  if (std::find(methods.begin(), methods.end(), method) != methods.end()) return "is named twice";
  methods.push_back(method);
  return kFine;
}

Wrong set_resolve(OptionDraft& draft, Value value) {
  draft.resolve_given = true;
  draft.options.dial.resolve.clear();
  for (const Value name : split(value, ',')) {
    const auto known =
        std::find_if(kMethods.begin(), kMethods.end(), [name](const MethodName& each) { return each.name == name; });
    if (known == kMethods.end()) return "expected some of dns, lmhosts, wins and netbios";
    if (auto wrong = add_method(draft, known->method)) return wrong;
  }
  return kFine;
}

// The commas of resolve=dns,netbios part options, too.
template <ResolveMethod method>
Wrong go_on_resolving(OptionDraft& draft, Value) {
  if (!draft.resolve_given) return "has a meaning only behind resolve=";
  return add_method(draft, method);
}

// Several are parted by colons.
Wrong set_wins(OptionDraft& draft, Value value) {
  if (value.empty()) return go_on_resolving<ResolveMethod::wins>(draft, value);
  draft.options.dial.wins.clear();
  for (const Value part : split(value, ':')) {
    const auto address = nbt::parse_ipv4(part);
    if (!address) return "expected IPv4 addresses, with ':' between them";
    draft.options.dial.wins.push_back(*address);
  }
  return kFine;
}

Wrong set_lmhosts(OptionDraft& draft, Value value) {
  if (value.empty()) return go_on_resolving<ResolveMethod::lmhosts>(draft, value);
  draft.options.dial.lmhosts_file = value;
  return kFine;
}

template <class Account, auto look_up>
const Account* account_named(Value name, std::vector<char>& memory, Account& account) {
  Account* found = nullptr;
  const std::string terminated(name);
  for (memory.resize(1024); look_up(terminated.c_str(), &account, memory.data(), memory.size(), &found) == ERANGE;) {
    memory.resize(memory.size() * 2);
  }
  return found;
}

// A number stands for itself, though an account's name may be one: the name is asked for first, as in mount.cifs.
Wrong set_uid(OptionDraft& draft, Value value) {
  std::vector<char> memory;
  passwd account{};
  if (account_named<passwd, getpwnam_r>(value, memory, account) != nullptr) {
    draft.options.uid = account.pw_uid;
  } else if (const auto id = number_between<uid_t>(value, 0, UINT32_MAX - 1)) {
    draft.options.uid = *id;
  } else {
    return "expected a number or the name of a user of this system";
  }
  draft.uid_given = true;
  return kFine;
}

Wrong set_gid(OptionDraft& draft, Value value) {
  std::vector<char> memory;
  group account{};
  if (account_named<group, getgrnam_r>(value, memory, account) != nullptr) {
    draft.options.gid = account.gr_gid;
  } else if (const auto id = number_between<gid_t>(value, 0, UINT32_MAX - 1)) {
    draft.options.gid = *id;
  } else {
    return "expected a number or the name of a group of this system";
  }
  draft.gid_given = true;
  return kFine;
}

Wrong set_username(OptionDraft& draft, Value value) {
  if (value.empty()) return "expected a name; for a mount without one use guest or sec=none";
  draft.options.credentials.username = value;
  return kFine;
}

Wrong set_user(OptionDraft& draft, Value value) {
  if (!value.empty()) draft.options.credentials.username = value;  // alone it is mount(8)'s: users may mount this
  return kFine;
}

Wrong set_domain(OptionDraft& draft, Value value) {
  draft.options.credentials.domain = value;
  return kFine;
}

Wrong set_credentials(OptionDraft& draft, Value value) {
  if (value.empty()) return "expected a file name";
  draft.options.credentials.file = value;
  return kFine;
}

// Taken out of the lists before they are read, see parse_options().
Wrong password_is_taken(OptionDraft&, Value) { return kFine; }

Wrong set_security(OptionDraft& draft, Value value) {
  const bool kerberos = value == "krb5" || value == "krb5i" || value == "krb5p";
  if (kerberos) return "Kerberos is not supported yet; use sec=ntlmssp";
  if (value == "lanman") return "LANMAN passwords are not safe and not supported; use sec=ntlmssp";
  const bool old = value == "ntlm" || value == "ntlmi";
  const bool ntlm = old || value == "ntlmssp" || value == "ntlmsspi" || value == "ntlmv2" || value == "ntlmv2i";
  const bool plaintext = value == "plaintext";
  if (!ntlm && !plaintext && value != "none") return "expected ntlmssp, ntlmsspi, plaintext or none";
  if (old) draft.warnings.push_back("sec=" + std::string(value) + " is read as sec=ntlmssp: NTLMv1 is not safe");
  draft.null_session = value == "none";
  draft.options.plaintext_password = plaintext;
  draft.security_signs = ntlm && value.back() == 'i';
  return kFine;
}

struct DialectName {
  std::string_view name;
  Dialect least;
  Dialect most;
};

constexpr std::array kDialects{
    DialectName{"default", Dialect::smb202, Dialect::smb311}, DialectName{"2.0", Dialect::smb202, Dialect::smb202},
    DialectName{"2.02", Dialect::smb202, Dialect::smb202},    DialectName{"2.0.2", Dialect::smb202, Dialect::smb202},
    DialectName{"2.1", Dialect::smb210, Dialect::smb210},     DialectName{"3", Dialect::smb300, Dialect::smb311},
    DialectName{"3.0", Dialect::smb300, Dialect::smb300},     DialectName{"3.02", Dialect::smb302, Dialect::smb302},
    DialectName{"3.0.2", Dialect::smb302, Dialect::smb302},   DialectName{"3.1.1", Dialect::smb311, Dialect::smb311},
    DialectName{"3.11", Dialect::smb311, Dialect::smb311},
};

const DialectName* dialect_named(Value name) {
  for (const DialectName& dialect : kDialects) {
    if (dialect.name == name) return &dialect;
  }
  return nullptr;
}

Wrong set_dialects(OptionDraft& draft, Value value) {
  const std::size_t dash = value.find('-');
  const Value lower = value.substr(0, dash);
  const Value upper = dash == Value::npos ? lower : value.substr(dash + 1);
  if (value == "1.0" || value == "1") {
    draft.options.min_dialect = draft.options.max_dialect = Dialect::smb1;
    return kFine;
  }
  if (lower == "1.0" || lower == "1") return "SMB1 is never one of several: vers=1.0 asks for it alone";
  const DialectName* least = dialect_named(lower);
  const DialectName* most = dialect_named(upper);
  if (least == nullptr || most == nullptr) {
    return "expected default, 1.0, 2.0, 2.1, 3, 3.0, 3.0.2, 3.1.1 or a range such as 2.1-3.0.2";
  }
  if (least->least > most->most) return "the range's lower end is above its upper end";
  draft.options.min_dialect = least->least;
  draft.options.max_dialect = most->most;
  return kFine;
}

Wrong set_address(OptionDraft& draft, Value value) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const std::string literal(value.substr(0, value.find('%')));  // without its zone
  const bool is_address = inet_pton(AF_INET, std::string(value).c_str(), address.data()) == 1 ||
                          inet_pton(AF_INET6, literal.c_str(), address.data()) == 1;
  if (!is_address) return "expected an IPv4 or IPv6 address";
  draft.options.address = value;
  return kFine;
}

constexpr std::uint32_t kLongestAttributeTimeout = 30 * 24 * 3600;

Wrong set_attribute_timeouts(OptionDraft& draft, Value value) {
  if (auto wrong = number<&MountOptions::file_attribute_timeout, 0, kLongestAttributeTimeout>(draft, value)) {
    return wrong;
  }
  draft.options.directory_attribute_timeout = draft.options.file_attribute_timeout;
  return kFine;
}

Wrong no_attribute_timeouts(OptionDraft& draft, Value) { return set_attribute_timeouts(draft, "0"); }

Wrong set_cache(OptionDraft& draft, Value value) {
  if (value == "none") {
    draft.options.cache = CacheMode::none;
  } else if (value == "strict") {
    draft.options.cache = CacheMode::strict;
  } else if (value == "loose") {
    draft.options.cache = CacheMode::loose;
  } else {
    return "expected none, strict or loose";
  }
  return kFine;
}

// A number of bytes, or of KiB, MiB, GiB.
Wrong set_cache_size(OptionDraft& draft, Value value) {
  constexpr std::uint64_t kLeast = std::uint64_t{16} << 20;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
  constexpr Value kUnits = "KMG";
  const std::size_t unit = value.empty() ? Value::npos : kUnits.find(value.back());
  const unsigned shift = unit == Value::npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
  if (shift > 0) value.remove_suffix(1);
  const auto given = number_between<std::uint64_t>(value, kLeast >> shift, kMost >> shift);
  if (!given) return "expected a size from 16M to 1024G";
  draft.options.cache_size = *given << shift;
  return kFine;
}

Wrong set_close(OptionDraft& draft, Value value) {
  if (value != "strict" && value != "lazy") return "expected strict or lazy";
  draft.options.lazy_close = value == "lazy";
  return kFine;
}

Wrong set_prefetch(OptionDraft& draft, Value value) {
  if (value != "on" && value != "off") return "expected on or off";
  draft.options.prefetch = value == "on";
  return kFine;
}

Wrong check_charset(OptionDraft&, Value value) {
  if (value == "utf8" || value == "utf-8" || value == "UTF-8" || value == "UTF8") return kFine;
  return "expected utf8: names are always UTF-8";
}

Wrong set_code_page(OptionDraft& draft, Value value) {
  if (!client::is_code_page(value)) return "expected a code page that iconv knows, such as 437, 932 or ISO-8859-1";
  draft.options.code_page = value;
  return kFine;
}

Wrong set_allow_other(OptionDraft& draft, Value) {
  draft.options.kernel.allow_other = true;
  draft.options.kernel.allow_root = false;
  return kFine;
}

Wrong set_allow_root(OptionDraft& draft, Value) {
  draft.options.kernel.allow_other = false;
  draft.options.kernel.allow_root = true;
  return kFine;
}

Wrong set_fsname(OptionDraft& draft, Value value) {
  if (value.empty()) return "expected a name";
  draft.options.kernel.fsname = value;
  return kFine;
}

Wrong set_subtype(OptionDraft& draft, Value value) {
  if (value.empty()) return "expected a name";
  draft.options.kernel.subtype = value;
  return kFine;
}

using O = MountOptions;
using D = OptionDraft;
using K = KernelFlags;
using enum OptionGroup;

constexpr std::uint32_t kLargestTransfer = 16 * 1024 * 1024;

const std::vector<OptionRow>& rows() {
  static const std::vector<OptionRow> kRows{
      // clang-format off
      {{"username"}, "NAME", logon, "NAME, DOMAIN\\NAME or NAME@REALM; else $USER", set_username},
      {{"user"}, "[NAME]", logon, "as username; alone, as in fstab, without effect", set_user},
      {{"password", "pass"}, "TEXT", logon, "better in a credentials file: others may see it", password_is_taken},
      {{"credentials", "cred"}, "FILE", logon, "has lines username=, password=, domain=", set_credentials},
      {{"domain", "dom", "workgroup"}, "NAME", logon, "the user's domain or workgroup", set_domain},
      {{"guest"}, "", logon, "log on without a password", set<&D::guest, true>},
      {{"sec"}, "KIND", logon, "ntlmssp (default), ntlmsspi (signs), plaintext, none", set_security},

      {{"sign"}, "", connection, "require that every message is signed", set_option<&O::require_signing, true>},
      {{"seal"}, "", connection, "require encryption", set_option<&O::require_sealing, true>},
      {{"vers"}, "DIALECT", connection, "2.0, 2.1, 3, 3.0, 3.0.2, 3.1.1, 2.1-3.0; or 1.0", set_dialects},
      {{"port"}, "NUMBER", connection, "the server's TCP port (445, else 139)", number<&O::port, 1, 65535>},
      {{"ip", "addr"}, "ADDRESS", connection, "connect here, whatever the name resolves to", set_address},
      {{"resolve"}, "METHOD[,METHOD]...", connection, "dns, lmhosts, wins, netbios (all of them)", set_resolve},
      {{"wins"}, "[ADDRESS[:ADDRESS]...]", connection, "NetBIOS name servers", set_wins},
      {{"lmhosts"}, "[FILE]", connection, "NetBIOS names (/etc/samba/lmhosts)", set_lmhosts},
      {{"dns"}, "", connection, "more of resolve=, as are netbios, wins, lmhosts (default)", go_on_resolving<ResolveMethod::dns>},
      {{"netbios"}, "", connection, "more of resolve= (default)", go_on_resolving<ResolveMethod::netbios>},
      {{"servern"}, "NAME", connection, "the server's NetBIOS name (found out)", netbios_name<&client::DialPolicy::called_name>},
      {{"netbiosname"}, "NAME", connection, "our NetBIOS name (this machine's)", netbios_name<&client::DialPolicy::calling_name>},
      {{"nbsessinit"}, "", connection, "begin a NetBIOS session, whatever the port", set_session<true>},
      {{"nonbsessinit"}, "", connection, "begin none, even on port 139", set_session<false>},
      {{"timeout"}, "SECONDS", connection, "what a call waits for at most (30)", number<&O::call_timeout, 1, 86400>},
      {{"echo_interval"}, "SECONDS", connection, "ask an idle server for life signs (60)", number<&O::echo_interval, 1, 600>},
      {{"max_credits"}, "NUMBER", connection, "requests under way at once, at most", number<&O::max_credits, 20, 60000>},
      {{"rsize"}, "BYTES", connection, "the largest read sent to the server", number<&O::read_size, 4096, kLargestTransfer>},
      {{"wsize"}, "BYTES", connection, "the largest write sent to the server", number<&O::write_size, 4096, kLargestTransfer>},

      {{"cache"}, "MODE", caching, "none, strict (default) or loose", set_cache},
      {{"nolease"}, "", caching, "the same as cache=none", set_option<&O::cache, CacheMode::none>},
      {{"actimeo"}, "SECONDS", caching, "how long attributes are trusted (1)", set_attribute_timeouts},
      {{"acregmax"}, "SECONDS", caching, "actimeo of files alone", number<&O::file_attribute_timeout, 0, kLongestAttributeTimeout>},
      {{"acdirmax"}, "SECONDS", caching, "actimeo of folders alone", number<&O::directory_attribute_timeout, 0, kLongestAttributeTimeout>},
      {{"noac"}, "", caching, "actimeo=0", no_attribute_timeouts},
      {{"cache_size"}, "SIZE", caching, "memory for data of all files (512M)", set_cache_size},
      {{"close"}, "MODE", caching, "strict (default) or lazy: close(2) need not wait", set_close},
      {{"prefetch"}, "SWITCH", caching, "on (default) or off: list folders ahead", set_prefetch},
      {{"nostrictsync"}, "", caching, "fsync need not reach the server's disks", set_option<&O::strict_sync, false>},
      {{"strictsync"}, "", caching, "it does (default)", set_option<&O::strict_sync, true>},

      {{"uid"}, "USER", ownership, "owner shown, a name or a number (who mounts)", set_uid},
      {{"gid"}, "GROUP", ownership, "group shown, a name or a number (who mounts)", set_gid},
      {{"forceuid"}, "", ownership, "even if the server tells owners (default with uid)", set<&D::force_uid, true>},
      {{"noforceuid"}, "", ownership, "show the server's owners where it tells them", set<&D::force_uid, false>},
      {{"forcegid"}, "", ownership, "even if the server tells groups (default with gid)", set<&D::force_gid, true>},
      {{"noforcegid"}, "", ownership, "show the server's groups where it tells them", set<&D::force_gid, false>},
      {{"file_mode"}, "MODE", ownership, "mode of files, octal (0755)", mode<&O::file_mode>},
      {{"dir_mode", "dirmode"}, "MODE", ownership, "mode of folders, octal (0755)", mode<&O::directory_mode>},
      {{"perm"}, "", ownership, "check permissions by owner and mode shown (default)", set_kernel<&K::check_permissions, true>},
      {{"noperm"}, "", ownership, "leave it to the server alone", set_kernel<&K::check_permissions, false>},

      {{"serverino"}, "", names, "inode numbers from the server (default)", set_option<&O::server_inodes, true>},
      {{"noserverino"}, "", names, "inode numbers of our own", set_option<&O::server_inodes, false>},
      {{"mapposix"}, "", names, "keep reserved characters as Macs do (default)", set_option<&O::name_mapping, client::NameMapping::sfm>},
      {{"mapchars"}, "", names, "keep reserved characters as Services for Unix did", set_option<&O::name_mapping, client::NameMapping::sfu>},
      {{"nomapposix", "nomapchars"}, "", names, "refuse reserved characters", set_option<&O::name_mapping, client::NameMapping::none>},
      {{"unix", "posix", "linux"}, "", names, "with vers=1.0 the UNIX extensions, if the server has them (default)", set_option<&O::unix_extensions, true>},
      {{"nounix", "noposix", "nolinux"}, "", names, "not even then", set_option<&O::unix_extensions, false>},
      {{"brl"}, "", names, "other machines see the locks of fcntl and flock (default)", set_option<&O::locks, true>},
      {{"nobrl"}, "", names, "they do not: locks hold on this machine alone", set_option<&O::locks, false>},
      {{"iocharset"}, "CHARSET", names, "utf8, the only one there is", check_charset},
      {{"codepage"}, "NAME", names, "of SMB1 servers without Unicode (850)", set_code_page},

      {{"ro"}, "", general, "read only", set_kernel<&K::read_only, true>},
      {{"rw"}, "", general, "read and write (default)", set_kernel<&K::read_only, false>},
      {{"noexec"}, "", general, "run no programs from the mount", set_kernel<&K::execute, false>},
      {{"exec"}, "", general, "allow it (default)", set_kernel<&K::execute, true>},
      {{"sync"}, "", general, "writes reach the server before they return", set_kernel<&K::synchronous, true>},
      {{"async"}, "", general, "they need not (default)", set_kernel<&K::synchronous, false>},
      {{"dirsync"}, "", general, "sync for changes of folders", set_kernel<&K::synchronous_directories, true>},
      {{"noatime"}, "", general, "keep access times", set_kernel<&K::update_atime, false>},
      {{"atime"}, "", general, "let them change (default)", set_kernel<&K::update_atime, true>},
      {{"allow_other"}, "", general, "let other users in (so for root; see fuse.conf)", set_allow_other},
      {{"allow_root"}, "", general, "let root in besides the user who mounts", set_allow_root},
      {{"default_permissions"}, "", general, "as perm", set_kernel<&K::check_permissions, true>},
      {{"auto_unmount"}, "", general, "unmount if the program dies", set_kernel<&K::auto_unmount, true>},
      {{"bsize"}, "BYTES", general, "the block size that stat tells (1048576)", number<&O::block_size, 16384, kLargestTransfer>},
      {{"fsname"}, "NAME", general, "the source in the mount table", set_fsname},
      {{"subtype"}, "NAME", general, "the type in the mount table: fuse.NAME", set_subtype},

      {{"_netdev", "nofail", "auto", "noauto", "defaults", "users", "owner", "group", "nouser", "nousers", "noowner", "nogroup"}, "", ignored, "for mount(8) and systemd"},
      {{"x-*", "X-*"}, "[TEXT]", ignored, "for mount(8) and systemd"},
      {{"comment"}, "TEXT", ignored, "for mount(8) and systemd"},
      {{"nosuid", "nodev"}, "", ignored, "always so"},
      {{"suid", "dev"}, "", ignored, "set-uid programs and devices of a share are never honoured"},
      {{"relatime", "norelatime", "strictatime", "nostrictatime", "diratime", "nodiratime", "lazytime", "nolazytime"}, "", ignored, "the server keeps access times"},
      {{"iversion", "noiversion", "mand", "nomand", "silent", "loud"}, "", ignored, "without meaning for a mount in user space"},
      {{"max_read", "blksize"}, "BYTES", ignored, "chosen by the driver"},
      {{"password2", "pass2"}, "TEXT", ignored, "a second password is not tried"},
      {{"cruid"}, "USER", ignored, "for Kerberos, which is not supported yet"},
      {{"upcall_target"}, "PLACE", ignored, "nothing is called back from the kernel"},
      {{"unc", "target", "path", "prefixpath"}, "TEXT", ignored, "SOURCE says it"},
      {{"nodfs"}, "", ignored, "DFS referrals are not followed yet"},
      {{"intr", "nointr"}, "", ignored, "calls can always be interrupted"},
      {{"hard", "soft"}, "", ignored, "calls wait as long as timeout says"},
      {{"posixpaths", "noposixpaths"}, "", ignored, "POSIX paths come with the UNIX extensions"},
      {{"mfsymlinks"}, "", ignored, "symbolic links are always made so"},
      {{"retrans"}, "NUMBER", ignored, "timeout says how long a call waits"},
      {{"handletimeout"}, "MILLISECONDS", ignored, "the server's own is used"},
      {{"resilienthandles", "noresilienthandles", "persistenthandles", "nopersistenthandles", "witness"}, "", ignored, "chosen by what the server offers"},
      {{"handlecache", "nohandlecache", "locallease"}, "", ignored, "tuning of the kernel's client"},
      {{"max_cached_dirs"}, "NUMBER", ignored, "tuning of the kernel's client"},
      {{"closetimeo", "rasize", "esize", "min_enc_offload"}, "NUMBER", ignored, "tuning of the kernel's client"},
      {{"multichannel", "nomultichannel"}, "", ignored, "one connection is used"},
      {{"max_channels"}, "NUMBER", ignored, "one connection is used"},
      {{"sharesock", "nosharesock"}, "", ignored, "each mount has its own connection"},
      {{"noblocksend", "noblocksnd", "noautotune", "tcpnodelay"}, "", ignored, "the connection is tuned already"},
      {{"compress"}, "", ignored, "compression is not supported yet"},
      {{"fsc"}, "", ignored, "there is no cache on disk"},
      {{"setuids", "nosetuids", "acl", "noacl"}, "", ignored, "owners and access control lists are the server's"},
      {{"dynperm", "nodynperm"}, "", ignored, "a mode set lasts as far as the server keeps it"},
      {{"user_xattr", "nouser_xattr"}, "", ignored, "the server's extended attributes are not shown yet"},
      {{"nocase", "ignorecase"}, "", ignored, "the server decides what names are equal"},
      {{"forcemandatorylock", "forcemand", "rwpidforward", "norwpidforward"}, "", ignored, "locks are the server's, mandatory and per open file"},
      {{"nosparse"}, "", ignored, "holes are made where a program asks for them"},
      {{"rootfs"}, "", ignored, "without meaning for a mount in user space"},

      {{"remount"}, "", unsupported, "a mount cannot be changed while it is in use: unmount it, then mount it anew"},
      {{"multiuser"}, "", unsupported, "one session for each user is not supported yet: every access is made as the user who logged on"},
      {{"cifsacl", "idsfromsid", "setuidfromacl", "modefromsid", "modesid"}, "", unsupported, "owners and modes from access control lists are not supported yet: use uid=, gid=, file_mode= and dir_mode="},
      {{"backupuid", "backupgid"}, "ID", unsupported, "backup rights are not supported yet"},
      {{"domainauto"}, "", unsupported, "taking the domain from the server is not supported yet: give it with domain="},
      {{"ignore_signature", "signloosely"}, "", unsupported, "a signature that is wrong always ends the connection"},
      {{"snapshot"}, "TIME", unsupported, "mounting a previous version is not supported yet"},
      {{"srcaddr"}, "ADDRESS", unsupported, "choosing our own address is not supported yet"},
      {{"rdma"}, "", unsupported, "SMB Direct is not supported"},
      {{"nodelete"}, "", unsupported, "forbidding deletion is not supported yet: use ro"},
      {{"sfu"}, "", unsupported, "special files in the form of Services for Unix are not supported yet"},
      {{"reparse", "symlink", "symlinkroot"}, "KIND", unsupported, "choosing the form of links and special files is not supported yet: mfsymlinks is"},
      {{"nativesocket", "nonativesocket"}, "", unsupported, "choosing the form of links and special files is not supported yet: mfsymlinks is"},
      {{"context", "fscontext", "defcontext", "rootcontext"}, "LABEL", unsupported, "SELinux labels are not supported yet"},
      // clang-format on
  };
  return kRows;
}

bool matches(Value pattern, Value name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern) && name.size() > pattern.size();
}

}  // namespace

std::span<const OptionRow> option_table() { return rows(); }

const OptionRow* find_option(std::string_view name) {
  for (const OptionRow& row : rows()) {
    for (const Value pattern : row.names) {
      if (matches(pattern, name)) return &row;
    }
  }
  return nullptr;
}

}  // namespace smb3fuse::fs
