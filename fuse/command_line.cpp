// SPDX-License-Identifier: Apache-2.0
#include "fuse/command_line.h"

#include <array>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "fuse/short_names.h"
#include "fuse/suggest.h"

namespace smb3fuse::fs {
namespace {

// What argv says, before any of it is understood. The pointers are argv's, or to what stands at the end.
struct Arguments {
  std::vector<char*> positional;
  std::vector<char*> lists;
  bool foreground = false;
  bool debug = false;
  bool verbose = false;
  bool fake = false;
  bool sloppy = false;
  bool help = false;
  bool version = false;

  Expansion expansion;                  // of a short name: what `positional` and `lists` point to
  std::array<char, 3> read_only{"ro"};  // -r and -w are options, in their place among the -o
  std::array<char, 3> read_write{"rw"};
};

struct LongSwitch {
  std::string_view name;
  char letter;
};

constexpr std::array kLongSwitches{
    LongSwitch{"--options", 'o'}, LongSwitch{"--foreground", 'f'}, LongSwitch{"--debug", 'd'},
    LongSwitch{"--verbose", 'v'}, LongSwitch{"--help", 'h'},       LongSwitch{"--version", 'V'},
};

char letter_of(std::string_view name) {
  for (const LongSwitch& known : kLongSwitches) {
    if (known.name == name) return known.letter;
  }
  return '\0';
}

std::string unknown_switch(std::string_view given) {
  std::vector<std::string_view> names;
  for (const LongSwitch& known : kLongSwitches) names.push_back(known.name);
  std::string sentence = "unknown switch '" + std::string(given) + "'";
  const auto nearest = given.starts_with("--") ? nearest_word(given, names) : std::nullopt;
  return sentence + (nearest ? "; did you mean '" + std::string(*nearest) + "'?" : "; try --help");
}

bool is_mount_helper(std::string_view program) { return program.substr(program.rfind('/') + 1).starts_with("mount."); }

class ArgumentReader {
 public:
  ArgumentReader(int argc, char** argv) : rest_(argv, static_cast<std::size_t>(argc)) {
    if (rest_.empty()) return;
    called_by_mount_ = is_mount_helper(rest_.front());
    rest_ = rest_.subspan(1);
  }

  std::optional<std::string> read_into(Arguments& arguments) {
    bool only_positional = false;
    while (!rest_.empty()) {
      char* const argument = take();
      const std::string_view text = argument;
      std::optional<std::string> wrong;
      if (only_positional || text.size() < 2 || text.front() != '-') {
        arguments.positional.push_back(argument);
      } else if (text == "--") {
        only_positional = true;
      } else if (text.starts_with("--")) {
        wrong = read_long(argument, arguments);
      } else {
        wrong = read_letters(argument + 1, arguments);
      }
      if (wrong) return wrong;
    }
    return std::nullopt;
  }

 private:
  char* take() {
    char* const first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  std::optional<std::string> read_long(char* argument, Arguments& arguments) {
    const std::string_view text = argument;
    const std::string_view name = text.substr(0, text.find('='));
    const bool has_value = name.size() < text.size();
    const char letter = letter_of(name);
    if (letter == '\0') return unknown_switch(name);
    if (letter != 'o' && has_value) return "switch '" + std::string(name) + "' takes no value";
    if (!has_value && letter == 'o' && rest_.empty()) return "switch '" + std::string(name) + "' needs a value";
    if (letter == 'o') {
      arguments.lists.push_back(has_value ? argument + name.size() + 1 : take());
      return std::nullopt;
    }
    return read_letter(letter, arguments);
  }

  // "-fv", "-o list", "-olist"
  std::optional<std::string> read_letters(char* letters, Arguments& arguments) {
    for (; *letters != '\0'; ++letters) {
      if (*letters == 'o' || *letters == 't') {
        const bool attached = letters[1] != '\0';
        if (!attached && rest_.empty()) return std::string("switch '-") + *letters + "' needs a value";
        char* const value = attached ? letters + 1 : take();
        if (*letters == 'o') arguments.lists.push_back(value);
        return std::nullopt;  // the type is ours, whatever mount(8) calls it
      }
      if (auto wrong = read_letter(*letters, arguments)) return wrong;
    }
    return std::nullopt;
  }

  std::optional<std::string> read_letter(char letter, Arguments& arguments) {
    switch (letter) {
      case 'f':
        (called_by_mount_ ? arguments.fake : arguments.foreground) = true;
        break;
      case 'd':
        arguments.debug = true;
        break;
      case 'v':
        arguments.verbose = true;
        break;
      case 's':
        arguments.sloppy = true;
        break;
      case 'r':
        arguments.lists.push_back(arguments.read_only.data());
        break;
      case 'w':
        arguments.lists.push_back(arguments.read_write.data());
        break;
      case 'n':  // there is no mount table of ours to leave alone
        break;
      case 'h':
        arguments.help = true;
        break;
      case 'V':
        arguments.version = true;
        break;
      default:
        return unknown_switch(std::string("-") + letter);
    }
    return std::nullopt;
  }

  std::span<char*> rest_;
  bool called_by_mount_ = false;
};

bool looks_like_source(std::string_view text) {
  return text.starts_with("//") || text.starts_with("\\\\") || text.starts_with("smb://") ||
         text.starts_with("file://");
}

std::optional<std::string> wrong_with_positional(std::span<char* const> positional) {
  if (positional.empty()) return "what to mount, and where, is missing: smb3fuse SOURCE MOUNTPOINT; try --help";
  if (positional.size() == 1) return "the mountpoint is missing: smb3fuse SOURCE MOUNTPOINT; try --help";
  if (positional.size() > 2) {
    return "argument '" + std::string(positional[2]) + "' is too much: smb3fuse SOURCE MOUNTPOINT; options follow -o";
  }
  if (!looks_like_source(positional[0]) && looks_like_source(positional[1])) {
    return std::string("the source comes first, then the mountpoint: smb3fuse SOURCE MOUNTPOINT");
  }
  return std::nullopt;
}

Checked<std::string> absolute_mountpoint(std::string_view given) {
  if (given.empty()) return refused("the mountpoint is empty: expected a folder");
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(given, error);
  if (error) return refused("the mountpoint '" + std::string(given) + "' cannot be made absolute: " + error.message());
  std::string text = absolute.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

// Port and user may stand in the source as well as among the options.
std::optional<std::string> merge_source(const Source& source, MountOptions& options) {
  if (source.port && options.port && *source.port != *options.port) {
    return "the source names port " + std::to_string(*source.port) + ", the options port " +
           std::to_string(*options.port) + ": leave one of them out";
  }
  if (source.port) options.port = source.port;
  CredentialOptions& credentials = options.credentials;
  if (!credentials.username) credentials.username = source.username;
  if (!credentials.domain) credentials.domain = source.domain;
  if (!options.kernel.fsname) options.kernel.fsname = to_string(source);
  return std::nullopt;
}

// The table's options come first, so that those of the command win.
std::optional<std::string> expand(Arguments& arguments) {
  if (arguments.positional.empty() || !is_short_name(arguments.positional[0])) return std::nullopt;
  auto expansion = expand_short_name(arguments.positional[0], short_name_files());
  if (!expansion) return std::move(expansion.error().sentence);
  arguments.expansion = std::move(*expansion);
  arguments.positional[0] = arguments.expansion.source.data();
  arguments.lists.insert(arguments.lists.begin(), arguments.expansion.options.data());
  return std::nullopt;
}

Checked<Command> config_of(Arguments& arguments) {
  const auto no_short_name = expand(arguments);
  // Passwords leave argv before anything else is found wrong or takes its time.
  auto parsed = parse_options(arguments.lists, arguments.sloppy);
  if (no_short_name) return refused(*no_short_name);
  if (auto wrong = wrong_with_positional(arguments.positional)) return refused(std::move(*wrong));
  auto source = parse_source(arguments.positional[0]);
  scrub_url_password(arguments.positional[0]);
  if (!source) return tl::make_unexpected(std::move(source.error()));
  auto mountpoint = absolute_mountpoint(arguments.positional[1]);
  if (!mountpoint) return tl::make_unexpected(std::move(mountpoint.error()));
  if (!parsed) return tl::make_unexpected(std::move(parsed.error()));
  if (auto wrong = merge_source(*source, parsed->options)) return refused(std::move(*wrong));

  MountConfig config;
  config.source = std::move(*source);
  config.mountpoint = std::move(*mountpoint);
  config.options = std::move(parsed->options);
  config.warnings = std::move(parsed->warnings);
  config.foreground = arguments.foreground || arguments.debug;
  config.debug = arguments.debug;
  config.verbose = arguments.verbose;
  config.fake = arguments.fake;
  return Command(std::move(config));
}

// What stands behind "status".
Checked<Command> status_of(std::span<char* const> arguments) {
  StatusRequest request;
  bool only_positional = false;
  for (const std::string_view argument : arguments) {
    if (only_positional || !argument.starts_with('-')) {
      if (request.mountpoint) {
        return refused("argument '" + std::string(argument) + "' is too much: smb3fuse status [MOUNTPOINT] [--json]");
      }
      auto mountpoint = absolute_mountpoint(argument);
      if (!mountpoint) return tl::make_unexpected(std::move(mountpoint.error()));
      request.mountpoint = std::move(*mountpoint);
    } else if (argument == "--") {
      only_positional = true;
    } else if (argument == "--json") {
      request.json = true;
    } else if (argument == "-h" || argument == "--help") {
      return Command(ShowHelp{});
    } else {
      return refused("unknown switch '" + std::string(argument) + "' of smb3fuse status; there is --json");
    }
  }
  return Command(std::move(request));
}

// What stands behind "lookup" or "list": its arguments and options; the first word is argv's in the program's place.
struct Words {
  Arguments arguments;
  Checked<ParsedOptions> parsed;
};
Checked<Words> words_of(int argc, char** argv, std::string_view usage) {
  Words words{};
  if (auto wrong = ArgumentReader(argc, argv).read_into(words.arguments)) return refused(std::move(*wrong));
  words.parsed = parse_options(words.arguments.lists, words.arguments.sloppy);
  if (words.arguments.positional.size() > 1) {
    return refused("argument '" + std::string(words.arguments.positional[1]) + "' is too much: " + std::string(usage));
  }
  return words;
}

// Of "lookup" and "register".
template <class Request>
Checked<Command> name_request_of(int argc, char** argv) {
  const std::string usage = "smb3fuse " + std::string(argv[0]) + " NAME [-o OPTIONS]";
  auto words = words_of(argc, argv, usage);
  if (!words) return tl::make_unexpected(std::move(words.error()));
  if (words->arguments.help) return Command(ShowHelp{});
  if (!words->parsed) return tl::make_unexpected(std::move(words->parsed.error()));
  if (words->arguments.positional.empty()) return refused("the name is missing: " + usage);
  return Command(Request{words->arguments.positional[0], std::move(words->parsed->options.dial)});
}

Checked<Command> list_of(int argc, char** argv) {
  auto words = words_of(argc, argv, "smb3fuse list [//SERVER] [-o OPTIONS]");
  if (!words) return tl::make_unexpected(std::move(words.error()));
  if (words->arguments.help) return Command(ShowHelp{});
  ListRequest request;
  if (!words->arguments.positional.empty()) {
    char* const given = words->arguments.positional[0];
    auto server = parse_server(given);
    scrub_url_password(given);
    if (!server) return tl::make_unexpected(std::move(server.error()));
    request.server = std::move(*server);
  }
  if (!words->parsed) return tl::make_unexpected(std::move(words->parsed.error()));
  request.options = std::move(words->parsed->options);
  request.warnings = std::move(words->parsed->warnings);
  if (request.server) {
    if (auto wrong = merge_source(*request.server, request.options)) return refused(std::move(*wrong));
  }
  return Command(std::move(request));
}

constexpr std::string_view kHelpHead =
    R"(Mounts a share of an SMB server (Windows, Samba, a NAS) as a folder.

  smb3fuse //nas/media ~/media                    asks for the password
  smb3fuse //nas/media ~/media -o cred=nas.cred   user, password in a file
  smb3fuse smb://alice@nas/media/films ~/films    a folder of the share
  smb3fuse //nas ~/nas                            all shares of the server
  mount -t smb3fuse //nas/media /mnt -o guest     as root; so in /etc/fstab
  fusermount3 -u ~/media                          unmounts
  smb3fuse status                                 what your mounts are doing
  smb3fuse list //nas                             the shares of a server

Usage: smb3fuse SOURCE MOUNTPOINT [-o OPTION[,OPTION...]]... [switches]
       smb3fuse status [MOUNTPOINT] [--json]
       smb3fuse list [//SERVER] [-o OPTION[,OPTION...]]
       smb3fuse lookup NAME|ADDRESS [-o OPTION[,OPTION...]]
       smb3fuse register NAME [-o OPTION[,OPTION...]]

SOURCE
  //server[:port]/share[/folder]     or //server alone: all its shares
  \\server\share[\folder]
  smb://[[domain;]user@]server[:port]/share[/folder]
  file://server/share[/folder]
  x:[/folder]           a short name from ~/.config/smb3fuse/names

Switches
  -o, --options LIST    mount options, see below; a comma in a value is \,
  -f, --foreground      stay in the foreground
  -d, --debug           log every request; stays in the foreground
  -v, --verbose         say what is done
  -r, -w                as -o ro, -o rw
  -s                    warn about unknown options instead of refusing them
  -n, -t TYPE           for mount(8), without effect
  -h, --help            this text
  -V, --version         the version
)";

constexpr std::string_view kHelpFoot = R"(
Flags for what is the default anyway are left out above. Other options of
mount.cifs are accepted without effect, or refused with the reason. For all of
them, and for more examples: man smb3fuse
)";

struct GroupTitle {
  OptionGroup group;
  std::string_view title;
};

constexpr std::array kGroups{
    GroupTitle{OptionGroup::logon, "Logging on"},          GroupTitle{OptionGroup::connection, "Connection"},
    GroupTitle{OptionGroup::caching, "Caching"},           GroupTitle{OptionGroup::ownership, "Owners and modes"},
    GroupTitle{OptionGroup::names, "Names, links, locks"}, GroupTitle{OptionGroup::general, "General"},
};

std::string help_line(const OptionRow& row) {
  constexpr std::size_t kMeaningColumn = 24;
  std::string line = "  " + std::string(row.names.front());
  if (row.argument.starts_with('[')) {
    line += "[=" + std::string(row.argument.substr(1));
  } else if (!row.argument.empty()) {
    line += "=" + std::string(row.argument);
  }
  line.resize(std::max(line.size() + 1, kMeaningColumn), ' ');
  return line + std::string(row.meaning) + "\n";
}

// A flag that only says what is so without it is for undoing another one.
bool is_default_flag(const OptionRow& row) { return row.argument.empty() && row.meaning.ends_with("(default)"); }

}  // namespace

Checked<Command> parse_command_line(int argc, char** argv) {
  const std::span<char* const> all(argv, static_cast<std::size_t>(argc));
  const std::string_view word = all.size() > 1 && !is_mount_helper(all[0]) ? all[1] : "";
  if (word == "status") return status_of(all.subspan(2));
  if (word == "lookup") return name_request_of<LookupRequest>(argc - 1, argv + 1);
  if (word == "register") return name_request_of<RegisterRequest>(argc - 1, argv + 1);
  if (word == "list") return list_of(argc - 1, argv + 1);
  Arguments arguments;
  if (auto wrong = ArgumentReader(argc, argv).read_into(arguments)) return refused(std::move(*wrong));
  if (arguments.help) return Command(ShowHelp{});
  if (arguments.version) return Command(ShowVersion{});
  return config_of(arguments);
}

std::string help_text() {
  std::string text(kHelpHead);
  for (const GroupTitle& group : kGroups) {
    text += "\n" + std::string(group.title) + " (-o)\n";
    for (const OptionRow& row : option_table()) {
      if (row.group == group.group && !is_default_flag(row)) text += help_line(row);
    }
  }
  return text.append(kHelpFoot);
}

std::string version_text(std::string_view version) { return "smb3fuse " + std::string(version) + "\n"; }

}  // namespace smb3fuse::fs
