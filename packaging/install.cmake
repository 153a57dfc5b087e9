# What `cmake --install` puts where, beside the program: its manual pages, its completion, and the link by which
# mount(8) finds the type smb3fuse.
include(GNUInstallDirs)

set(SMB3FUSE_MOUNT_HELPER_DIR "" CACHE PATH
    "Where mount.smb3fuse goes; empty: the system's /sbin for a prefix of /usr or /usr/local, else sbin in the prefix")

install(TARGETS smb3fuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/smb3fuse.8 packaging/mount.smb3fuse.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES packaging/completions/smb3fuse DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)

# mount(8) looks for helpers in /sbin alone, whatever the prefix. An install into a prefix of one's own (a home) keeps to
# that prefix, which may be named as late as at the install.
install(CODE "set(bindir \"${CMAKE_INSTALL_BINDIR}\")\nset(helper_dir \"${SMB3FUSE_MOUNT_HELPER_DIR}\")")
install(CODE [[
  cmake_path(ABSOLUTE_PATH bindir BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" NORMALIZE)
  if(NOT helper_dir)
    if(NOT CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
      set(helper_dir "${CMAKE_INSTALL_PREFIX}/sbin")
    elseif(IS_SYMLINK /sbin)
      set(helper_dir /usr/sbin)
    else()
      set(helper_dir /sbin)
    endif()
  endif()
  set(helper "${helper_dir}/mount.smb3fuse")
  message(STATUS "Installing: $ENV{DESTDIR}${helper}")
  file(MAKE_DIRECTORY "$ENV{DESTDIR}${helper_dir}")
  file(CREATE_LINK "${bindir}/smb3fuse" "$ENV{DESTDIR}${helper}" SYMBOLIC)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${helper}")]])
