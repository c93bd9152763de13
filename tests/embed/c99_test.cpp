#include <gtest/gtest.h>

extern "C" int sunder_c99(void);

TEST(CHeader, WorksFromC) { EXPECT_EQ(sunder_c99(), 0); }
