# SUNDER_CUDA: the device that .cu files are compiled for.
#   off       none; ops throw "[op] built without CUDA"
#   on        nvcc and the CUDA Toolkit, an error where they are missing
#   auto      on where both are found, else off
#   emulated  the host compiler and tests/emulator: a CUDA device in software, for machines without a GPU
set(SUNDER_CUDA off CACHE STRING "off, on, auto (on where nvcc is found) or emulated (tests/emulator)")
set_property(CACHE SUNDER_CUDA PROPERTY STRINGS off on auto emulated)
# 80: A100, the oldest with bfloat16 arithmetic and asynchronous copies. 90: H100 and H200, which the kernels are tuned
# for. 100: B200. Others of the same generation (86, 89, 120) run the code of their family or the PTX of 100.
set(SUNDER_CUDA_ARCHITECTURES 80 90 100 CACHE STRING "what nvcc compiles for; the tests' build names 90 alone")

set(sunder_cuda_mode ${SUNDER_CUDA})
if(SUNDER_CUDA MATCHES "^(auto|on)$")
  find_package(CUDAToolkit QUIET)
  if(CUDAToolkit_FOUND AND CUDAToolkit_NVCC_EXECUTABLE)
    set(sunder_cuda_mode on)
  elseif(SUNDER_CUDA STREQUAL on)
    message(FATAL_ERROR "SUNDER_CUDA=on: no CUDA Toolkit with nvcc found; name it with -D CUDAToolkit_ROOT=..., or build "
                        "with SUNDER_CUDA=emulated or off")
  else()
    set(sunder_cuda_mode off)
  endif()
elseif(NOT SUNDER_CUDA MATCHES "^(off|emulated)$")
  message(FATAL_ERROR "SUNDER_CUDA: expected auto, on, off or emulated, got ${SUNDER_CUDA}")
endif()
message(STATUS "CUDA: ${sunder_cuda_mode}")
set(sunder_cuda_code ${SUNDER_CUDA_ARCHITECTURES})  # what a message says the program was compiled for

if(sunder_cuda_mode STREQUAL on)
  if(NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
  endif()
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES ${SUNDER_CUDA_ARCHITECTURES})
  endif()
  set(sunder_cuda_code ${CMAKE_CUDA_ARCHITECTURES})
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  endif()
  # fmt turns constexpr off for nvcc, and its checked format strings then do not compile; nvcc 13 can do both.
  target_compile_options(sunder_flags INTERFACE
    "$<$<COMPILE_LANGUAGE:CUDA>:-DFMT_USE_CONSTEXPR=1;--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra,-Wshadow>")
  if(SUNDER_WERROR)
    target_compile_options(sunder_flags INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
  endif()
  target_compile_definitions(sunder_flags INTERFACE SUNDER_WITH_CUDA)
  target_link_libraries(sunder_flags INTERFACE CUDA::cudart CUDA::cublas CUDA::cufft CUDA::cusolver)
  # cuDNN has no CMake package; it lies beside the toolkit or where the system looks.
  find_path(CUDNN_INCLUDE cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}/lib)
  if(CUDNN_INCLUDE AND CUDNN_LIBRARY)
    set(sunder_cudnn ON)
    target_include_directories(sunder_flags SYSTEM INTERFACE ${CUDNN_INCLUDE})
    target_link_libraries(sunder_flags INTERFACE ${CUDNN_LIBRARY})
  else()
    set(sunder_cudnn OFF)
    message(WARNING "cuDNN not found: TF-GridNet will not run on CUDA; install cuDNN 9, or name it with "
                    "-D CUDNN_INCLUDE=DIR -D CUDNN_LIBRARY=FILE")
  endif()
elseif(sunder_cuda_mode STREQUAL emulated)
  set(sunder_cudnn ON)
  target_compile_definitions(sunder_flags INTERFACE SUNDER_WITH_CUDA SUNDER_CUDA_EMULATED)
  target_include_directories(sunder_flags INTERFACE ${PROJECT_SOURCE_DIR}/tests/emulator/include)
  find_library(BOOST_CONTEXT boost_context)
  if(NOT BOOST_CONTEXT)
    message(FATAL_ERROR "Boost.Context not found: install libboost-context-dev (scripts/setup.sh installs everything that "
                        "is needed)")
  endif()
  set(sources block cublas cudnn cufft cusolver device emulator faults fiber launch memory names runtime_memory
    runtime_stream shared_memory stream)
  list(TRANSFORM sources REPLACE "(.+)" "tests/emulator/\\1.cpp")
  # It and sunder_tensor use each other: its BLAS and FFT are the project's own.
  add_library(sunder_emulator STATIC ${sources})
  target_link_libraries(sunder_emulator PUBLIC sunder_flags fmt::fmt sunder_tensor ${BOOST_CONTEXT} PRIVATE ${CMAKE_DL_LIBS})
endif()

if(sunder_cudnn)
  target_compile_definitions(sunder_flags INTERFACE SUNDER_WITH_CUDNN)
endif()

list(TRANSFORM sunder_cuda_code PREPEND "sm_")
list(JOIN sunder_cuda_code " " sunder_cuda_code)

# Adds sources that need CUDA's headers (.cu kernels, and .cpp that call its libraries) to a target.
function(sunder_cuda_sources target)
  if(sunder_cuda_mode STREQUAL off OR NOT ARGN)
    return()
  endif()
  target_sources(${target} PRIVATE ${ARGN})
  if(sunder_cuda_mode STREQUAL emulated)
    target_link_libraries(${target} PUBLIC sunder_emulator)
    set(kernels ${ARGN})
    list(FILTER kernels INCLUDE REGEX "\\.cu$")
    # Misaligned vector accesses and indices outside a thread's own arrays trap, and the emulator names the thread.
    set(options -Wno-unknown-pragmas -fno-sanitize=vptr -fsanitize=alignment,bounds -fsanitize-undefined-trap-on-error)
    set_source_files_properties(${kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${options}")
  endif()
endfunction()
