//! Distributions and tests that are no metric: chi-squared, Kolmogorov-Smirnov, binomial tails, and the
//! assignment of predicted to true classes.
//!
//! Definitions follow SciPy, and the tests compare with the values it computes. What a p-value is taken to
//! mean is the caller's business.

#[cfg(test)]
mod tests;

/// `ln Γ(x)` for positive `x`: Stirling's series (Abramowitz & Stegun 6.1.41) above 10, and the recurrence
/// `Γ(x) = Γ(x + 1) / x` below.
pub fn ln_gamma(x: f64) -> f64 {
    let (mut shifted, mut correction) = (x, 0.0);
    while shifted < 10.0 {
        correction += shifted.ln();
        shifted += 1.0;
    }
    let square = shifted * shifted;
    // The coefficients are B_2k / (2k (2k - 1)).
    let series = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square) / square)
        / shifted;
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - correction
}

/// A number that keeps a denominator from being zero.
const TINY: f64 = 1e-300;

/// The chance that a chi-squared variable with these degrees of freedom is at least `statistic`: the
/// regularised upper incomplete gamma function `Q(degrees / 2, statistic / 2)`, as `scipy.stats.chi2.sf`.
///
/// By its series below `a + 1` and its continued fraction above (Abramowitz & Stegun 6.5.29 and 6.5.31).
#[expect(
    clippy::many_single_char_names,
    reason = "the letters of the handbook's formulas"
)]
pub fn chi_squared_survival(statistic: f64, degrees: f64) -> f64 {
    let (a, x) = (degrees / 2.0, statistic / 2.0);
    if x.is_nan() || a.is_nan() || a <= 0.0 {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut divisor) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-16 {
            divisor += 1.0;
            term *= x / divisor;
            sum += term;
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    // Lentz's evaluation of the continued fraction.
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for step in 1..10_000 {
        let i = f64::from(step);
        let factor = -i * (i - a);
        b += 2.0;
        d = factor * d + b;
        if d.abs() < TINY {
            d = TINY;
        }
        c = b + factor / c;
        if c.abs() < TINY {
            c = TINY;
        }
        d = 1.0 / d;
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// The result of a chi-squared test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquared {
    /// The chi-squared statistic.
    pub statistic: f64,
    /// The degrees of freedom.
    pub degrees: f64,
    /// The chance of a statistic at least as large if rows and columns were independent.
    pub p_value: f64,
}

/// Pearson's test of independence of the rows and columns of a table of counts, without Yates' correction, as
/// `scipy.stats.chi2_contingency(table, correction=False)`.
///
/// Rows and columns without any count are left out, where SciPy refuses the table. `None` if fewer than two
/// of either are left.
pub fn chi_squared_independence(table: &[Vec<u64>]) -> Option<ChiSquared> {
    let columns = table.iter().map(Vec::len).max()?;
    let at = |row: &Vec<u64>, column: usize| row.get(column).copied().unwrap_or(0) as f64;
    let row_sums: Vec<f64> = table
        .iter()
        .map(|row| row.iter().map(|&count| count as f64).sum())
        .collect();
    let column_sums: Vec<f64> = (0..columns)
        .map(|column| table.iter().map(|row| at(row, column)).sum())
        .collect();
    let total: f64 = row_sums.iter().sum();
    let mut statistic = 0.0;
    for (row, row_sum) in table.iter().zip(&row_sums).filter(|(_, sum)| **sum > 0.0) {
        for (column, column_sum) in column_sums.iter().enumerate().filter(|(_, sum)| **sum > 0.0) {
            let expected = row_sum * column_sum / total;
            statistic += (at(row, column) - expected).powi(2) / expected;
        }
    }
    let used = |sums: &[f64]| sums.iter().filter(|sum| **sum > 0.0).count();
    let degrees = used(&row_sums).checked_sub(1)? * used(&column_sums).checked_sub(1)?;
    (degrees > 0).then(|| ChiSquared {
        statistic,
        degrees: degrees as f64,
        p_value: chi_squared_survival(statistic, degrees as f64),
    })
}

/// The result of a two-sample Kolmogorov-Smirnov test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// The largest distance of the two empirical distribution functions.
    pub statistic: f64,
    /// The chance of a distance at least as large if both samples came from one distribution.
    pub p_value: f64,
}

/// Whether two samples come from one distribution, two-sided. `None` if either is empty.
///
/// The p-value is that of the limiting distribution at `D √(nm / (n + m))`, as `scipy.stats.kstwobign.sf`;
/// SciPy's own `ks_2samp` refines it for small samples. Ties make it conservative.
pub fn kolmogorov_smirnov(first: &[f64], second: &[f64]) -> Option<KolmogorovSmirnov> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let sorted = |sample: &[f64]| {
        let mut values = sample.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let (first, second) = (sorted(first), sorted(second));
    let (n, m) = (first.len() as f64, second.len() as f64);
    let (mut i, mut j, mut statistic) = (0, 0, 0.0_f64);
    while i < first.len() && j < second.len() {
        let value = first[i].min(second[j]);
        while i < first.len() && first[i] <= value {
            i += 1;
        }
        while j < second.len() && second[j] <= value {
            j += 1;
        }
        statistic = statistic.max((i as f64 / n - j as f64 / m).abs());
    }
    Some(KolmogorovSmirnov {
        statistic,
        p_value: kolmogorov_survival(statistic * (n * m / (n + m)).sqrt()),
    })
}

/// The chance that the supremum of a Brownian bridge's absolute value is at least `x`: Kolmogorov's limiting
/// distribution, as `scipy.stats.kstwobign.sf`.
pub fn kolmogorov_survival(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x <= 0.0 {
        return 1.0;
    }
    // Two series of the same function: each converges within a few terms where the other does not.
    if x < 1.18 {
        let factor = (-std::f64::consts::PI.powi(2) / (8.0 * x * x)).exp();
        let sum: f64 = [1, 9, 25, 49, 81].iter().map(|power| factor.powi(*power)).sum();
        return (1.0 - (2.0 * std::f64::consts::PI).sqrt() / x * sum).clamp(0.0, 1.0);
    }
    let sum: f64 = (1..=20)
        .map(|k: i32| {
            let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
            sign * (-2.0 * f64::from(k * k) * x * x).exp()
        })
        .sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

/// The chance of at least `successes` in `trials` of this probability, as `scipy.stats.binom.sf(successes -
/// 1, …)`.
///
/// Summed from the first term on, in the direction in which terms fall; exact but for rounding.
pub fn binomial_survival(successes: u64, trials: u64, probability: f64) -> f64 {
    if successes == 0 {
        return 1.0;
    }
    if successes > trials || probability <= 0.0 {
        return 0.0;
    }
    if probability >= 1.0 {
        return 1.0;
    }
    let term = |k: u64| {
        let (k, n) = (k as f64, trials as f64);
        (ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
            + k * probability.ln()
            + (n - k) * (-probability).ln_1p())
        .exp()
    };
    let odds = probability / (1.0 - probability);
    if successes as f64 > trials as f64 * probability {
        let (mut sum, mut value) = (0.0, term(successes));
        for k in successes..=trials {
            sum += value;
            value *= (trials - k) as f64 / (k + 1) as f64 * odds;
            if value < sum * 1e-17 {
                break;
            }
        }
        return sum.min(1.0);
    }
    let (mut sum, mut value) = (0.0, term(successes - 1));
    for k in (0..successes).rev() {
        sum += value;
        value *= k as f64 / ((trials - k + 1) as f64 * odds);
        if value < sum * 1e-17 {
            break;
        }
    }
    (1.0 - sum).clamp(0.0, 1.0)
}

/// The assignment of columns to rows that collects the most, as
/// `scipy.optimize.linear_sum_assignment(weights, maximize=True)`: entry `i` is the column of row `i`.
///
/// The Hungarian method with potentials (Kuhn 1955, Munkres 1957), in `O(n³)`. Among equally good assignments
/// the one that this order of search finds first, the same on every machine.
///
/// # Panics
///
/// If the matrix is not square.
pub fn maximum_assignment(weights: &[Vec<u64>]) -> Vec<usize> {
    let size = weights.len();
    assert!(
        weights.iter().all(|row| row.len() == size),
        "an assignment needs a square matrix"
    );
    // Costs are negative weights in a range where their sums do not overflow.
    let cost = |row: usize, column: usize| -> i128 { -i128::from(weights[row][column]) };
    // Row and column 0 are the free ones that the method starts from.
    let mut row_potential = vec![0_i128; size + 1];
    let mut column_potential = vec![0_i128; size + 1];
    let mut row_of_column = vec![0_usize; size + 1];
    let mut previous = vec![0_usize; size + 1];
    for row in 1..=size {
        row_of_column[0] = row;
        let mut column = 0;
        let mut slack = vec![i128::MAX; size + 1];
        let mut visited = vec![false; size + 1];
        loop {
            visited[column] = true;
            let from = row_of_column[column];
            let (mut least, mut next) = (i128::MAX, 0);
            for candidate in 1..=size {
                if visited[candidate] {
                    continue;
                }
                let reduced =
                    cost(from - 1, candidate - 1) - row_potential[from] - column_potential[candidate];
                if reduced < slack[candidate] {
                    slack[candidate] = reduced;
                    previous[candidate] = column;
                }
                if slack[candidate] < least {
                    least = slack[candidate];
                    next = candidate;
                }
            }
            for candidate in 0..=size {
                if visited[candidate] {
                    row_potential[row_of_column[candidate]] += least;
                    column_potential[candidate] -= least;
                } else if slack[candidate] != i128::MAX {
                    slack[candidate] -= least;
                }
            }
            column = next;
            if row_of_column[column] == 0 {
                break;
            }
        }
        while column != 0 {
            let before = previous[column];
            row_of_column[column] = row_of_column[before];
            column = before;
        }
    }
    let mut assignment = vec![0; size];
    for column in 1..=size {
        assignment[row_of_column[column] - 1] = column - 1;
    }
    assignment
}

/// Fisher's exact test of two shares, two-sided: the chance of all tables with the same sums that are no
/// likelier than this one, as `scipy.stats.fisher_exact`. Each pair is successes and trials. `None` for more
/// successes than trials.
pub fn fisher_exact(first: (u64, u64), second: (u64, u64)) -> Option<f64> {
    if first.0 > first.1 || second.0 > second.1 {
        return None;
    }
    let (trials, successes) = (first.1 + second.1, first.0 + second.0);
    let choose = |n: u64, k: u64| {
        let (n, k) = (n as f64, k as f64);
        ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
    };
    let all = choose(trials, successes);
    let chance = |count: u64| (choose(first.1, count) + choose(second.1, successes - count) - all).exp();
    let observed = chance(first.0);
    let (least, most) = (successes.saturating_sub(second.1), successes.min(first.1));
    // SciPy's tolerance: tables that are equally likely but for rounding count.
    let limit = observed * (1.0 + 1e-7);
    let total: f64 = (least..=most).map(chance).filter(|chance| *chance <= limit).sum();
    Some(total.min(1.0))
}
