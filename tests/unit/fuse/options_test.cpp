// SPDX-License-Identifier: Apache-2.0
#include "fuse/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

namespace smb3fuse::fs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = auth::Credentials::Kind;
using Method = client::ResolveMethod;
using Methods = std::vector<Method>;
using client::NameMapping;
using std::chrono::seconds;

Checked<ParsedOptions> parse(std::vector<std::string> lists, bool sloppy = false) {
  std::vector<char*> pointers;
  for (std::string& list : lists) pointers.push_back(list.data());
  return parse_options(pointers, sloppy);
}

MountOptions options_of(const std::string& list) {
  auto parsed = parse({list});
  EXPECT_TRUE(parsed) << list << ": " << (parsed ? "" : parsed.error().sentence);
  return parsed ? std::move(parsed->options) : MountOptions();
}

std::string refusal_of(const std::string& list) {
  const auto parsed = parse({list});
  EXPECT_FALSE(parsed) << list;
  return parsed ? "" : parsed.error().sentence;
}

TEST(MountOptions, HaveTheDefaultsOfMountCifs) {
  const MountOptions options = options_of("");
  EXPECT_EQ(options.credentials.kind, Kind::password);
  EXPECT_FALSE(options.credentials.username || options.credentials.domain || options.credentials.password ||
               options.credentials.file);
  EXPECT_FALSE(options.port || options.address || options.max_credits || options.read_size || options.write_size);
  EXPECT_EQ(options.min_dialect, Dialect::smb202);
  EXPECT_EQ(options.max_dialect, Dialect::smb311);
  EXPECT_FALSE(options.require_signing || options.require_sealing);
  EXPECT_EQ(options.call_timeout, seconds(30));
  EXPECT_EQ(options.echo_interval, seconds(60));
  EXPECT_EQ(options.block_size, 1048576u);
  EXPECT_EQ(options.cache, CacheMode::strict);
  EXPECT_EQ(options.file_attribute_timeout, seconds(1));
  EXPECT_EQ(options.directory_attribute_timeout, seconds(1));
  EXPECT_EQ(options.uid, getuid());
  EXPECT_EQ(options.gid, getgid());
  EXPECT_FALSE(options.force_uid || options.force_gid);
  EXPECT_EQ(options.file_mode, 0755u);
  EXPECT_EQ(options.directory_mode, 0755u);
  EXPECT_EQ(options.name_mapping, NameMapping::sfm);
  EXPECT_TRUE(options.strict_sync && options.server_inodes);
  EXPECT_EQ(
      kernel_option_list(options.kernel),
      std::string("rw,nosuid,nodev,") + (getuid() == 0 ? "allow_other," : "") + "default_permissions,subtype=smb3fuse");
}

struct Setting {
  const char* list;
  std::function<bool(const MountOptions&)> holds;
};

TEST(MountOptions, SetWhatTheyName) {
  using O = const MountOptions&;
  const std::vector<Setting> settings{
      {"username=alice", [](O o) { return o.credentials.username == "alice"; }},
      {"user=alice", [](O o) { return o.credentials.username == "alice"; }},
      {"username=CORP\\alice", [](O o) { return o.credentials.username == "CORP\\alice"; }},
      {"user", [](O o) { return !o.credentials.username; }},
      {"user=alice,user", [](O o) { return o.credentials.username == "alice"; }},
      {"password=geheim", [](O o) { return o.credentials.password->text() == "geheim"; }},
      {"pass=geheim", [](O o) { return o.credentials.password->text() == "geheim"; }},
      {"password=", [](O o) { return o.credentials.password->empty(); }},
      {"password=a\\,b\\\\c=d\\e", [](O o) { return o.credentials.password->text() == "a,b\\c=d\\e"; }},
      {"password=one,password=two", [](O o) { return o.credentials.password->text() == "two"; }},
      {"password2=other", [](O o) { return !o.credentials.password; }},
      {"pass2=other", [](O o) { return !o.credentials.password; }},
      {"credentials=/etc/a\\,b", [](O o) { return o.credentials.file == "/etc/a,b"; }},
      {"cred=/etc/nas", [](O o) { return o.credentials.file == "/etc/nas"; }},
      {"domain=CORP", [](O o) { return o.credentials.domain == "CORP"; }},
      {"dom=CORP", [](O o) { return o.credentials.domain == "CORP"; }},
      {"workgroup=CORP", [](O o) { return o.credentials.domain == "CORP"; }},
      {"guest", [](O o) { return o.credentials.kind == Kind::guest; }},
      {"guest,password=", [](O o) { return o.credentials.kind == Kind::guest; }},
      {"guest,username=alice", [](O o) { return o.credentials.username == "alice"; }},
      {"sec=none", [](O o) { return o.credentials.kind == Kind::anonymous; }},
      {"guest,sec=none", [](O o) { return o.credentials.kind == Kind::anonymous; }},
      {"sec=none,sec=ntlmssp", [](O o) { return o.credentials.kind == Kind::password; }},
      {"sec=ntlmssp", [](O o) { return !o.require_signing && !o.plaintext_password; }},
      {"sec=plaintext,vers=1.0", [](O o) { return o.plaintext_password; }},
      {"sec=plaintext,sec=ntlmssp", [](O o) { return !o.plaintext_password; }},
      {"sec=ntlmsspi", [](O o) { return o.require_signing; }},
      {"sec=ntlmv2", [](O o) { return !o.require_signing; }},
      {"sec=ntlmv2i", [](O o) { return o.require_signing; }},
      {"sec=ntlm", [](O o) { return !o.require_signing; }},
      {"sec=ntlmi", [](O o) { return o.require_signing; }},
      {"sec=ntlmsspi,sec=ntlmssp", [](O o) { return !o.require_signing; }},
      {"sign,sec=ntlmssp", [](O o) { return o.require_signing; }},
      {"sign", [](O o) { return o.require_signing; }},
      {"ro", [](O o) { return o.code_page == "850"; }},
      {"codepage=932", [](O o) { return o.code_page == "932"; }},
      {"codepage=ISO-8859-15", [](O o) { return o.code_page == "ISO-8859-15"; }},
      {"seal", [](O o) { return o.require_sealing; }},
      {"seal,vers=2.1-3.0", [](O o) { return o.require_sealing; }},
      {"port=1445", [](O o) { return o.port == 1445; }},
      {"ip=192.0.2.7", [](O o) { return o.address == "192.0.2.7"; }},
      {"addr=fe80::1%eth0", [](O o) { return o.address == "fe80::1%eth0"; }},
      {"ro",
       [](O o) {
         return o.dial.resolve == Methods{Method::dns, Method::lmhosts, Method::wins, Method::netbios};
       }},
      {"resolve=netbios", [](O o) { return o.dial.resolve == Methods{Method::netbios}; }},
      {"resolve=dns,netbios,wins,lmhosts",
       [](O o) {
         return o.dial.resolve == Methods{Method::dns, Method::netbios, Method::wins, Method::lmhosts};
       }},
      {"resolve=wins\\,dns,ro",
       [](O o) {
         return o.dial.resolve == Methods{Method::wins, Method::dns};
       }},
      {"resolve=dns,resolve=wins,dns",
       [](O o) {
         return o.dial.resolve == Methods{Method::wins, Method::dns};
       }},
      {"wins=10.0.0.1:10.0.0.2",
       [](O o) {
         return o.dial.wins == std::vector<nbt::Ipv4>{{10, 0, 0, 1}, {10, 0, 0, 2}};
       }},
      {"lmhosts=/etc/lmhosts", [](O o) { return o.dial.lmhosts_file == "/etc/lmhosts"; }},
      {"servern=NAS", [](O o) { return o.dial.called_name == "NAS"; }},
      {"netbiosname=LAPTOP", [](O o) { return o.dial.calling_name == "LAPTOP"; }},
      {"ro", [](O o) { return !o.dial.session; }},
      {"nbsessinit", [](O o) { return o.dial.session == true; }},
      {"nbsessinit,nonbsessinit", [](O o) { return o.dial.session == false; }},
      {"timeout=5", [](O o) { return o.call_timeout == seconds(5); }},
      {"echo_interval=600", [](O o) { return o.echo_interval == seconds(600); }},
      {"max_credits=20", [](O o) { return o.max_credits == 20; }},
      {"rsize=4194304", [](O o) { return o.read_size == 4194304u; }},
      {"wsize=65536", [](O o) { return o.write_size == 65536u; }},
      {"bsize=16384", [](O o) { return o.block_size == 16384u; }},
      {"cache=none", [](O o) { return o.cache == CacheMode::none; }},
      {"cache=strict", [](O o) { return o.cache == CacheMode::strict; }},
      {"cache=loose", [](O o) { return o.cache == CacheMode::loose; }},
      {"actimeo=7",
       [](O o) { return o.file_attribute_timeout == seconds(7) && o.directory_attribute_timeout == seconds(7); }},
      {"acregmax=7",
       [](O o) { return o.file_attribute_timeout == seconds(7) && o.directory_attribute_timeout == seconds(1); }},
      {"acdirmax=7",
       [](O o) { return o.file_attribute_timeout == seconds(1) && o.directory_attribute_timeout == seconds(7); }},
      {"noac",
       [](O o) { return o.file_attribute_timeout == seconds(0) && o.directory_attribute_timeout == seconds(0); }},
      {"nolease", [](O o) { return o.cache == CacheMode::none; }},
      {"cache_size=16777216", [](O o) { return o.cache_size == 16777216u; }},
      {"cache_size=20000K", [](O o) { return o.cache_size == 20480000u; }},
      {"cache_size=64M", [](O o) { return o.cache_size == 67108864u; }},
      {"cache_size=2G", [](O o) { return o.cache_size == 2147483648u; }},
      {"close=lazy", [](O o) { return o.lazy_close; }},
      {"close=lazy,close=strict", [](O o) { return !o.lazy_close; }},
      {"prefetch=off", [](O o) { return !o.prefetch; }},
      {"prefetch=off,prefetch=on", [](O o) { return o.prefetch; }},
      {"", [](O o) { return o.locks; }},
      {"nobrl", [](O o) { return !o.locks; }},
      {"nobrl,brl", [](O o) { return o.locks; }},
      {"nostrictsync", [](O o) { return !o.strict_sync; }},
      {"nostrictsync,strictsync", [](O o) { return o.strict_sync; }},
      {"uid=12345", [](O o) { return o.uid == 12345 && o.force_uid && !o.force_gid; }},
      {"uid=root", [](O o) { return o.uid == 0; }},
      {"gid=12345", [](O o) { return o.gid == 12345 && o.force_gid && !o.force_uid; }},
      {"gid=root", [](O o) { return o.gid == 0; }},
      {"forceuid", [](O o) { return o.force_uid && o.uid == getuid(); }},
      {"noforceuid,uid=5", [](O o) { return !o.force_uid && o.uid == 5; }},
      {"forcegid", [](O o) { return o.force_gid && o.gid == getgid(); }},
      {"noforcegid,gid=5", [](O o) { return !o.force_gid && o.gid == 5; }},
      {"file_mode=0640", [](O o) { return o.file_mode == 0640 && o.directory_mode == 0755; }},
      {"dir_mode=750", [](O o) { return o.directory_mode == 0750 && o.file_mode == 0755; }},
      {"dirmode=700", [](O o) { return o.directory_mode == 0700; }},
      {"noperm", [](O o) { return !o.kernel.check_permissions; }},
      {"noperm,perm", [](O o) { return o.kernel.check_permissions; }},
      {"noperm,default_permissions", [](O o) { return o.kernel.check_permissions; }},
      {"noserverino", [](O o) { return !o.server_inodes; }},
      {"noserverino,serverino", [](O o) { return o.server_inodes; }},
      {"nounix", [](O o) { return !o.unix_extensions; }},
      {"noposix,unix", [](O o) { return o.unix_extensions; }},
      {"mapchars", [](O o) { return o.name_mapping == NameMapping::sfu; }},
      {"nomapposix", [](O o) { return o.name_mapping == NameMapping::none; }},
      {"nomapchars", [](O o) { return o.name_mapping == NameMapping::none; }},
      {"nomapchars,mapposix", [](O o) { return o.name_mapping == NameMapping::sfm; }},
      {"iocharset=utf8", [](O) { return true; }},
      {"ro", [](O o) { return o.kernel.read_only; }},
      {"ro,rw", [](O o) { return !o.kernel.read_only; }},
      {"rw,ro", [](O o) { return o.kernel.read_only; }},
      {"noexec", [](O o) { return !o.kernel.execute; }},
      {"noexec,exec", [](O o) { return o.kernel.execute; }},
      {"sync", [](O o) { return o.kernel.synchronous; }},
      {"sync,async", [](O o) { return !o.kernel.synchronous; }},
      {"dirsync", [](O o) { return o.kernel.synchronous_directories; }},
      {"noatime", [](O o) { return !o.kernel.update_atime; }},
      {"noatime,atime", [](O o) { return o.kernel.update_atime; }},
      {"allow_other", [](O o) { return o.kernel.allow_other && !o.kernel.allow_root; }},
      {"allow_other,allow_root", [](O o) { return !o.kernel.allow_other && o.kernel.allow_root; }},
      {"allow_root,allow_other", [](O o) { return o.kernel.allow_other && !o.kernel.allow_root; }},
      {"auto_unmount", [](O o) { return o.kernel.auto_unmount; }},
      {"fsname=disk", [](O o) { return o.kernel.fsname == "disk"; }},
      {"subtype=smb", [](O o) { return o.kernel.subtype == "smb"; }},
      {",,ro,,port=5,", [](O o) { return o.kernel.read_only && o.port == 5; }},
  };
  std::set<const OptionRow*> untested;
  for (const OptionRow& row : option_table()) {
    if (row.apply != nullptr) untested.insert(&row);
  }
  for (const Setting& setting : settings) {
    EXPECT_TRUE(setting.holds(options_of(setting.list))) << setting.list;
    std::istringstream items(setting.list);
    for (std::string item; std::getline(items, item, ',');) untested.erase(find_option(item.substr(0, item.find('='))));
  }
  for (const OptionRow* row : untested) ADD_FAILURE() << "no case for " << row->names.front();
}

TEST(MountOptions, PickOrBoundTheDialect) {
  struct Case {
    const char* value;
    Dialect least;
    Dialect most;
  };
  for (const Case& wanted : {
           Case{"default", Dialect::smb202, Dialect::smb311},
           Case{"2.0", Dialect::smb202, Dialect::smb202},
           Case{"2.02", Dialect::smb202, Dialect::smb202},
           Case{"2.0.2", Dialect::smb202, Dialect::smb202},
           Case{"1", Dialect::smb1, Dialect::smb1},
           Case{"1.0", Dialect::smb1, Dialect::smb1},
           Case{"2.1", Dialect::smb210, Dialect::smb210},
           Case{"3", Dialect::smb300, Dialect::smb311},
           Case{"3.0", Dialect::smb300, Dialect::smb300},
           Case{"3.02", Dialect::smb302, Dialect::smb302},
           Case{"3.0.2", Dialect::smb302, Dialect::smb302},
           Case{"3.1.1", Dialect::smb311, Dialect::smb311},
           Case{"3.11", Dialect::smb311, Dialect::smb311},
           Case{"2.1-3.0.2", Dialect::smb210, Dialect::smb302},
           Case{"2.0-3", Dialect::smb202, Dialect::smb311},
           Case{"3-3.02", Dialect::smb300, Dialect::smb302},
           Case{"3.0-3.0", Dialect::smb300, Dialect::smb300},
       }) {
    const MountOptions options = options_of(std::string("vers=") + wanted.value);
    EXPECT_EQ(options.min_dialect, wanted.least) << wanted.value;
    EXPECT_EQ(options.max_dialect, wanted.most) << wanted.value;
  }
}

TEST(MountOptions, ThatAreWrongAreRefusedInOneSentence) {
  const std::string bad_vers = "expected default, 1.0, 2.0, 2.1, 3, 3.0, 3.0.2, 3.1.1 or a range such as 2.1-3.0.2";
  const std::vector<std::pair<const char*, std::string>> cases{
      {"usernme=alice", "unknown mount option 'usernme'; did you mean 'username'?"},
      {"reed_only", "unknown mount option 'reed_only'"},
      {"=5", "unknown mount option ''"},
      {"x-", "unknown mount option 'x-'"},
      {"uid", "option 'uid' needs a value: uid=USER"},
      {"password", "option 'password' needs a value: password=TEXT"},
      {"seal=yes", "option 'seal' takes no value"},
      {"username=", "option 'username=': expected a name; for a mount without one use guest or sec=none"},
      {"credentials=", "option 'credentials=': expected a file name"},
      {"sec=krb5", "option 'sec=krb5': Kerberos is not supported yet; use sec=ntlmssp"},
      {"sec=krb5i", "option 'sec=krb5i': Kerberos is not supported yet; use sec=ntlmssp"},
      {"sec=krb5p", "option 'sec=krb5p': Kerberos is not supported yet; use sec=ntlmssp"},
      {"sec=lanman", "option 'sec=lanman': LANMAN passwords are not safe and not supported; use sec=ntlmssp"},
      {"sec=tls", "option 'sec=tls': expected ntlmssp, ntlmsspi, plaintext or none"},
      {"sec=plaintext", "option 'sec=plaintext' needs 'vers=1.0': what is newer never sends a password as it is"},
      {"sec=plaintext,vers=1.0,sign",
       "option 'sec=plaintext' excludes 'sign' and 'seal': no key can be made from such a logon"},
      {"sec=plaintext,vers=1.0,seal",
       "option 'sec=plaintext' excludes 'sign' and 'seal': no key can be made from such a logon"},
      {"codepage=", "option 'codepage=': expected a code page that iconv knows, such as 437, 932 or ISO-8859-1"},
      {"codepage=99999",
       "option 'codepage=99999': expected a code page that iconv knows, such as 437, 932 or ISO-8859-1"},
      {"sec=none,seal", "option 'seal' needs a user: a session of sec=none has no keys"},
      {"sign,sec=none", "option 'sign' needs a user: a session of sec=none has no keys"},
      {"sec=none,password=geheim", "options 'sec=none' and 'password' contradict each other: leave one of them out"},
      {"guest,username=alice,password=geheim",
       "options 'guest' and 'password' contradict each other: leave one of them out"},
      {"guest,cred=/etc/nas", "options 'guest' and 'credentials' contradict each other: leave one of them out"},
      {"vers=1.0-3.0", "option 'vers=1.0-3.0': SMB1 is never one of several: vers=1.0 asks for it alone"},
      {"seal,vers=1.0", "option 'seal' needs SMB 3, which 'vers' rules out"},
      {"vers=4", "option 'vers=4': " + bad_vers},
      {"vers=", "option 'vers=': " + bad_vers},
      {"vers=2.1-", "option 'vers=2.1-': " + bad_vers},
      {"vers=3.0-2.1", "option 'vers=3.0-2.1': the range's lower end is above its upper end"},
      {"seal,vers=2.1", "option 'seal' needs SMB 3, which 'vers' rules out"},
      {"port=0", "option 'port=0': expected a number from 1 to 65535"},
      {"port=65536", "option 'port=65536': expected a number from 1 to 65535"},
      {"port=99999999999", "option 'port=99999999999': expected a number from 1 to 65535"},
      {"port=-1", "option 'port=-1': expected a number from 1 to 65535"},
      {"port=445x", "option 'port=445x': expected a number from 1 to 65535"},
      {"port=", "option 'port=': expected a number from 1 to 65535"},
      {"ip=nas", "option 'ip=nas': expected an IPv4 or IPv6 address"},
      {"ip=192.0.2.7%eth0", "option 'ip=192.0.2.7%eth0': expected an IPv4 or IPv6 address"},
      {"servern=ABCDEFGHIJKLMNOP", "option 'servern=ABCDEFGHIJKLMNOP': expected 1 to 15 characters of ASCII"},
      {"netbiosname=", "option 'netbiosname=': expected 1 to 15 characters of ASCII"},
      {"resolve=nis", "option 'resolve=nis': expected some of dns, lmhosts, wins and netbios"},
      {"resolve=", "option 'resolve=': expected some of dns, lmhosts, wins and netbios"},
      {"resolve=dns,netbios,dns", "option 'dns': is named twice"},
      {"netbios", "option 'netbios': has a meaning only behind resolve="},
      {"wins", "option 'wins': has a meaning only behind resolve="},
      {"wins=nas", "option 'wins=nas': expected IPv4 addresses, with ':' between them"},
      {"timeout=0", "option 'timeout=0': expected a number from 1 to 86400"},
      {"echo_interval=601", "option 'echo_interval=601': expected a number from 1 to 600"},
      {"max_credits=19", "option 'max_credits=19': expected a number from 20 to 60000"},
      {"max_credits=60001", "option 'max_credits=60001': expected a number from 20 to 60000"},
      {"rsize=4095", "option 'rsize=4095': expected a number from 4096 to 16777216"},
      {"wsize=1M", "option 'wsize=1M': expected a number from 4096 to 16777216"},
      {"bsize=512", "option 'bsize=512': expected a number from 16384 to 16777216"},
      {"cache=ro", "option 'cache=ro': expected none, strict or loose"},
      {"cache_size=15M", "option 'cache_size=15M': expected a size from 16M to 1024G"},
      {"cache_size=M", "option 'cache_size=M': expected a size from 16M to 1024G"},
      {"cache_size=", "option 'cache_size=': expected a size from 16M to 1024G"},
      {"cache_size=99999999999999999999G",
       "option 'cache_size=99999999999999999999G': expected a size from 16M to 1024G"},
      {"close=never", "option 'close=never': expected strict or lazy"},
      {"prefetch=maybe", "option 'prefetch=maybe': expected on or off"},
      {"actimeo=2592001", "option 'actimeo=2592001': expected a number from 0 to 2592000"},
      {"uid=no such user", "option 'uid=no such user': expected a number or the name of a user of this system"},
      {"uid=4294967295", "option 'uid=4294967295': expected a number or the name of a user of this system"},
      {"gid=-1", "option 'gid=-1': expected a number or the name of a group of this system"},
      {"file_mode=0888", "option 'file_mode=0888': expected an octal mode such as 0644"},
      {"file_mode=rw", "option 'file_mode=rw': expected an octal mode such as 0644"},
      {"dir_mode=10000", "option 'dir_mode=10000': expected an octal mode such as 0644"},
      {"iocharset=latin1", "option 'iocharset=latin1': expected utf8: names are always UTF-8"},
      {"fsname=", "option 'fsname=': expected a name"},
      {"subtype=", "option 'subtype=': expected a name"},
      {"multiuser",
       "option 'multiuser': one session for each user is not supported yet: every access is made as the user who "
       "logged on"},
      {"remount,ro", "option 'remount': a mount cannot be changed while it is in use: unmount it, then mount it anew"},
  };
  for (const auto& [list, sentence] : cases) EXPECT_EQ(refusal_of(list), sentence);
}

TEST(MountOptions, OfMountCifsAreAcceptedOrRefusedWithAReason) {
  for (const OptionRow& row : option_table()) {
    for (std::string name : std::vector<std::string>(row.names.begin(), row.names.end())) {
      if (name.ends_with('*')) name.replace(name.size() - 1, 1, "systemd.automount");
      const std::string item = row.argument.empty() ? name : name + "=1";
      if (row.group == OptionGroup::ignored) {
        EXPECT_EQ(kernel_option_list(options_of(item).kernel), kernel_option_list(MountOptions().kernel)) << item;
      } else if (row.group == OptionGroup::unsupported) {
        EXPECT_EQ(refusal_of(item), "option '" + name + "': " + std::string(row.meaning));
      }
    }
  }
}

TEST(MountOptions, AcceptAnFstabLineAsMountHandsItOver) {
  const MountOptions options = options_of(
      "rw,noexec,nosuid,nodev,exec,suid,dev,user=alice,_netdev,nofail,x-systemd.automount,x-gvfs-show,X-mount.mkdir,"
      "comment=mine,vers=3.0,iocharset=utf8,nounix,noserverino,nohandlecache,rsize=130048,uid=1000,gid=1000,noauto");
  EXPECT_EQ(options.credentials.username, "alice");
  EXPECT_EQ(options.uid, 1000u);
  EXPECT_FALSE(options.server_inodes);
}

TEST(MountOptions, OfLaterListsWin) {
  auto parsed = parse({"ro,port=1,password=a", "rw,port=2,password=b"});
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->options.kernel.read_only);
  EXPECT_EQ(parsed->options.port, 2);
  EXPECT_EQ(parsed->options.credentials.password->text(), "b");
}

TEST(MountOptions, ThatAreUnknownAreOnlyWarnedAboutWhenSloppy) {
  auto parsed = parse({"usernme=alice,ro"}, true);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->options.kernel.read_only);
  EXPECT_THAT(parsed->warnings, ElementsAre("unknown mount option 'usernme'; did you mean 'username'?"));
  EXPECT_FALSE(parse({"port=0"}, true));
}

TEST(MountOptions, WarnOfWhatIsNotAsSafeAsItLooks) {
  EXPECT_THAT(parse({"username=alice,cred=/etc/nas"})->warnings, IsEmpty());
  EXPECT_THAT(parse({"guest,password="})->warnings, IsEmpty());
  EXPECT_THAT(parse({"password=geheim"})->warnings,
              ElementsAre("a password among the options is visible to other users for a moment; a credentials file "
                          "keeps it to you"));
  EXPECT_THAT(parse({"sec=ntlm"})->warnings, ElementsAre("sec=ntlm is read as sec=ntlmssp: NTLMv1 is not safe"));
  EXPECT_THAT(parse({"sec=plaintext,vers=1.0"})->warnings,
              ElementsAre("sec=plaintext sends the password for everybody on the way to read, if the server takes it "
                          "in no other form"));
  EXPECT_THAT(parse({"sec=none,username=alice"})->warnings,
              ElementsAre("sec=none logs on without a name: 'username' is not used"));
}

TEST(MountOptions, HaveTheirPasswordsOverwritten) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"user=alice,password=geheim,ro", "user=alice,password=xxxxxx,ro"},
      {"pass=a\\,b,password2=c,pass2=d", "pass=xxxx,password2=x,pass2=x"},
      {"password=", "password="},
      {"password=a=b\\\\,ro", "password=xxxxx,ro"},
      {"password=geh,eim,ro", "password=xxx,xxx,ro"},  // a comma that was not escaped
      {"password=a\\", "password=xx"},
      {"ro,port=0,password=geheim", "ro,port=0,password=xxxxxx"},  // and though the list is refused
  };
  for (const auto& [before, after] : cases) {
    std::string list = before;
    char* const pointer = list.data();
    (void)parse_options({&pointer, 1}, false);
    EXPECT_EQ(list, after);
  }
}

TEST(MountOptions, DoNotRepeatAPieceOfAPasswordThatHoldsAComma) {
  for (const char* list : {"password=geh,eim", "pass=geh,eim=1", "ro,password=geh,,eim"}) {
    EXPECT_EQ(refusal_of(list),
              "what follows the password in the options is no option; write a comma within a password as '\\,', or use "
              "a credentials file");
  }
}

TEST(KernelOptions, AreWhatLibfuseTakes) {
  KernelFlags flags;
  flags.read_only = true;
  flags.execute = false;
  flags.synchronous = true;
  flags.synchronous_directories = true;
  flags.update_atime = false;
  flags.allow_root = true;
  flags.check_permissions = false;
  flags.auto_unmount = true;
  flags.fsname = "//nas/a,b\\c";
  EXPECT_EQ(kernel_option_list(flags),
            "ro,nosuid,nodev,noexec,sync,dirsync,noatime,allow_root,auto_unmount,fsname=//nas/a\\,b\\\\c,"
            "subtype=smb3fuse");
}

TEST(OptionTable, NamesEveryOptionOnce) {
  std::set<std::string_view> names;
  for (const OptionRow& row : option_table()) {
    EXPECT_FALSE(row.names.empty());
    EXPECT_FALSE(row.meaning.empty()) << row.names.front();
    const bool has_effect = row.group != OptionGroup::ignored && row.group != OptionGroup::unsupported;
    EXPECT_EQ(row.apply != nullptr, has_effect) << row.names.front();
    for (const std::string_view name : row.names) {
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_EQ(find_option(name), &row) << name;
    }
  }
}

// The words that follow Cm on the It lines of MOUNT OPTIONS.
std::vector<std::string> options_of_the_manual() {
  std::ifstream page(std::filesystem::path(__FILE__).parent_path() / "../../../packaging/smb3fuse.8");
  EXPECT_TRUE(page.is_open());
  std::vector<std::string> names;
  bool in_options = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with(".Sh")) in_options = line == ".Sh MOUNT OPTIONS";
    if (!in_options || !line.starts_with(".It")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word == "Cm" && words >> word) names.push_back(word);
    }
  }
  return names;
}

TEST(OptionTable, IsTheOneOfTheManual) {
  std::vector<std::string> names;
  for (const OptionRow& row : option_table()) names.insert(names.end(), row.names.begin(), row.names.end());
  EXPECT_THAT(options_of_the_manual(), testing::UnorderedElementsAreArray(names));
}

}  // namespace
}  // namespace smb3fuse::fs
