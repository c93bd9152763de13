# cmake --install. Components: runtime (programs, libsunder.so.1, recipes, models, documents) and development (the rest).
if(SUNDER_SANITIZE OR sunder_cuda_mode STREQUAL emulated)
  install(CODE "message(FATAL_ERROR \"a build with sanitizers or an emulated device is not for installing\")")
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(generated ${PROJECT_BINARY_DIR}/install)

# Programs, and what they say to --help.
set(programs)
if(SUNDER_PROGRAMS)
  foreach(folder serve train programs bench)
    get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} PROPERTY BUILDSYSTEM_TARGETS)
    list(APPEND programs ${targets})
  endforeach()
  list(FILTER programs INCLUDE REGEX ^sunder-)
  list(REMOVE_ITEM programs sunder-bench-ops sunder-bench-serve)
  if(sunder_cuda_mode STREQUAL on)  # whose libraries often lie where the system does not look
    set_target_properties(${programs} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  endif()
  install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
endif()
if(programs AND NOT CMAKE_CROSSCOMPILING)
  set(help)
  foreach(program ${programs})
    add_custom_command(OUTPUT ${generated}/help/${program}.txt
      COMMAND ${CMAKE_COMMAND} -E make_directory ${generated}/help
      COMMAND ${program} --help > ${generated}/help/${program}.txt
      DEPENDS ${program} VERBATIM)
    list(APPEND help ${generated}/help/${program}.txt)
  endforeach()
  add_custom_target(sunder_help ALL DEPENDS ${help})
  install(FILES ${help} DESTINATION ${CMAKE_INSTALL_DOCDIR}/help COMPONENT runtime)
endif()

# What programs load where mpirun started them.
if(TARGET sunder_mpi)
  set_target_properties(sunder_mpi PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS sunder_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/sunder COMPONENT runtime)
endif()

# Libraries, header, CMake package.
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/sunder)
if(TARGET sunder AND sunder_cuda_mode STREQUAL on)
  set_target_properties(sunder PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
endif()
# Each with a file of its own in the CMake package: scripts/bundle.sh leaves the static one out.
foreach(target sunder sunder_static)
  if(TARGET ${target})
    string(REPLACE _ - export ${target})
    install(TARGETS ${target} EXPORT ${export}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
      INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(EXPORT ${export} FILE ${export}-targets.cmake NAMESPACE sunder:: DESTINATION ${package}
      COMPONENT development)
  endif()
endforeach()
install(FILES embed/sunder.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
configure_package_config_file(cmake/sunder-config.cmake.in ${generated}/sunder-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${generated}/sunder-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${generated}/sunder-config.cmake ${generated}/sunder-config-version.cmake
  DESTINATION ${package} COMPONENT development)

# pkg-config: sunder, and sunder-static, which names the archive where both libraries lie side by side. Paths are those
# from the file itself, so that a tree can be moved.
set(folder ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH to_libraries ${folder} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH to_headers ${folder} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(RELATIVE_PATH to_prefix ${folder} ${CMAKE_INSTALL_PREFIX})
foreach(path to_libraries to_headers to_prefix)
  string(REGEX REPLACE "/$" "" ${path} ${${path}})
endforeach()
set(others)
set(pc_files ${generated}/sunder.pc)
if(TARGET sunder_static)
  get_target_property(others sunder_static INTERFACE_LINK_LIBRARIES)
  list(TRANSFORM others PREPEND -l)
  list(JOIN others " " others)
  if(sunder_cuda_mode STREQUAL on)
    string(PREPEND others "-L${CUDAToolkit_LIBRARY_DIR} ")
  endif()
  set(pc_name sunder-static)
  set(pc_libraries "\${libdir}/libsunder.a ${others}")
  set(pc_private)
  configure_file(cmake/sunder.pc.in ${generated}/sunder-static.pc @ONLY)
  list(APPEND pc_files ${generated}/sunder-static.pc)
endif()
set(pc_name sunder)
if(TARGET sunder)
  set(pc_libraries "-L\${libdir} -lsunder")
  set(pc_private ${others})
endif()
configure_file(cmake/sunder.pc.in ${generated}/sunder.pc @ONLY)
install(FILES ${pc_files} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# What people read, and start from.
install(FILES LICENSE README.md CHANGELOG.md docs/licences.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
install(DIRECTORY recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/sunder COMPONENT runtime)
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/sunder COMPONENT runtime OPTIONAL
  FILES_MATCHING PATTERN *.safetensors PATTERN *.md)
install(FILES deploy/sunder-serve.service deploy/serve.env DESTINATION ${CMAKE_INSTALL_DATADIR}/sunder/systemd
  COMPONENT runtime)
install(FILES deploy/Containerfile DESTINATION ${CMAKE_INSTALL_DATADIR}/sunder COMPONENT runtime)

# The texts of the licences that docs/licences.md names, as Debian's packages have them.
foreach(library libfmt-dev libsoxr-dev libkissfft-dev libtomlplusplus-dev nlohmann-json3-dev libmd-dev libsndfile1-dev
    libopenblas0-pthread libcli11-dev libspdlog-dev libprotobuf-dev libpng-dev libcairo2-dev libcpp-httplib-dev libarchive-dev)
  set(text /usr/share/doc/${library}/copyright)
  if(EXISTS ${text})
    file(REAL_PATH ${text} text)
    install(FILES ${text} DESTINATION ${CMAKE_INSTALL_DOCDIR}/licences RENAME ${library}.txt COMPONENT runtime)
  endif()
endforeach()
