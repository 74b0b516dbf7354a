#include "compute/functions/java_math.h"

#include <cmath>
#include <limits>

namespace millstream::compute {
namespace {

constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
constexpr double kInverseLn2 = 1.44269504088896338700e+00;
constexpr double kHalfLn2 = 0.34657359027997264, kOneAndAHalfLn2 = 1.0397207708399179;
constexpr double kOverflow = 7.09782712893383973096e+02, kUnderflow = -7.45133219101941108420e+02;

}  // namespace

// e^x = 2^k · e^r with |r| ≤ ln2 / 2, where e^r comes from a rational approximation of degree 5 in r².
double JavaExp(double x) {
  if (std::isnan(x)) return x;
  if (x > kOverflow) return std::numeric_limits<double>::infinity();
  if (x < kUnderflow) return 0;
  const double size = std::fabs(x);
  double high = x, low = 0;
  int k = 0;
  if (size > kHalfLn2) {
    const double sign = x < 0 ? -1 : 1;
    k = size < kOneAndAHalfLn2 ? static_cast<int>(sign) : static_cast<int>(kInverseLn2 * x + sign * 0.5);
    high = x - k * kLn2High;
    low = k * kLn2Low;
  } else if (size < 0x1p-28) {
    return 1 + x;
  }
  const double r = high - low, square = r * r;
  const double c =
      r - square * (1.66666666666666019037e-01 +
                    square * (-2.77777777770155933842e-03 +
                              square * (6.61375632143793436117e-05 + square * (-1.65339022054652515390e-06 + square * 4.13813679705723846039e-08))));
  if (k == 0) return 1 - ((r * c) / (c - 2) - r);
  return std::ldexp(1 - ((low - (r * c) / (2 - c)) - high), k);
}

double JavaCosh(double x) {
  const double size = std::fabs(x);
  if (std::isnan(size) || std::isinf(size)) return size;
  if (size < kHalfLn2) {
    const double t = std::expm1(size), w = 1 + t;
    return size < 0x1p-55 ? w : 1 + (t * t) / (w + w);
  }
  if (size < 22) {
    const double t = JavaExp(size);
    return 0.5 * t + 0.5 / t;
  }
  if (size < kOverflow) return 0.5 * JavaExp(size);
  const double half = JavaExp(0.5 * size);
  return 0.5 * half * half;
}

double JavaSinh(double x) {
  if (!std::isfinite(x)) return x;
  const double half = x < 0 ? -0.5 : 0.5, size = std::fabs(x);
  if (size < 22) {
    if (size < 0x1p-28) return x;
    const double t = std::expm1(size);
    return size < 1 ? half * (2 * t - t * t / (t + 1)) : half * (t + t / (t + 1));
  }
  if (size < kOverflow) return half * JavaExp(size);
  const double root = JavaExp(0.5 * size);
  return half * root * root;
}

double JavaTanh(double x) {
  if (std::isnan(x)) return x;
  const double size = std::fabs(x);
  double z = 1;
  if (size < 22) {
    if (size < 0x1p-55) return x * (1 + x);
    if (size >= 1) {
      z = 1 - 2 / (std::expm1(2 * size) + 2);
    } else {
      const double t = std::expm1(-2 * size);
      z = -t / (t + 2);
    }
  }
  return x < 0 ? -z : z;
}

}  // namespace millstream::compute
