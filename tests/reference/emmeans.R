# Makes tests/reference/emmeans.json: marginal means and contrasts of emmeans, with standard errors,
# from fits by lme4 and glm, and the estimates that they are computed from.
# Needs R with emmeans, lme4 and jsonlite, and takes some seconds.
# Run from the repository's folder: Rscript tests/reference/emmeans.R
# The data are those that brms_posteriors.R writes to tests/reference/data.

suppressPackageStartupMessages({
  library(emmeans)
  library(lme4)
  library(jsonlite)
})
emm_options(lmer.df = "asymptotic", msg.nesting = FALSE)

folder <- "tests/reference"
read <- function(name) {
  read.csv(file.path(folder, "data", paste0(name, ".csv")), stringsAsFactors = TRUE)
}
found <- list()

add <- function(name, text, grid, weights) {
  table <- as.data.frame(contrast(grid, list(value = weights)))
  found[[length(found) + 1]] <<- list(
    case = name, text = text, value = table$estimate, se = table$SE
  )
}

# Which rows of a grid have these levels, in equal parts.
rows <- function(grid, ...) {
  wanted <- list(...)
  levels <- as.data.frame(grid)
  here <- rep(TRUE, nrow(levels))
  for (name in names(wanted)) here <- here & as.character(levels[[name]]) == wanted[[name]]
  here / sum(here)
}

# --- A split-plot experiment: two factors of 3 and 6 levels, interaction, lmer ------------------

cake <- read("cake")
cake$temperature <- factor(cake$temp, labels = seq(175, 225, 10))
cake$participant <- interaction(cake$replicate, cake$recipe)
contrasts(cake$recipe) <- contr.sum(3)
contrasts(cake$temperature) <- contr.helmert(6)
fit <- lmer(angle ~ recipe * temperature + (1 | participant), cake)
grid <- emmeans(fit, ~ recipe * temperature)
add("cake", "mean(recipe = B)", grid, rows(grid, recipe = "B"))
add(
  "cake", "mean(recipe = A) - mean(recipe = C)", grid,
  rows(grid, recipe = "A") - rows(grid, recipe = "C")
)
add(
  "cake", "mean(recipe = B, temperature = 185)", grid,
  rows(grid, recipe = "B", temperature = "185")
)
add(
  "cake",
  paste(
    "mean(recipe = A, temperature = 225) - mean(recipe = A, temperature = 175)",
    "- (mean(recipe = C, temperature = 225) - mean(recipe = C, temperature = 175))"
  ),
  grid,
  rows(grid, recipe = "A", temperature = "225") - rows(grid, recipe = "A", temperature = "175") -
    rows(grid, recipe = "C", temperature = "225") + rows(grid, recipe = "C", temperature = "175")
)

# --- Counts: a factor, a covariate, an interaction, glm and glmer -------------------------------

epilepsy <- read("epilepsy")
epilepsy$Trt <- factor(epilepsy$Trt)
epilepsy$base <- epilepsy$zBase + 1 # a mean other than 0
covariates <- list(base = mean(epilepsy$base), zAge = mean(epilepsy$zAge))
fit <- glm(count ~ Trt * base + I(zAge^2), poisson, epilepsy)
grid <- emmeans(fit, ~Trt)
add("epilepsy", "mean(Trt = 1)", grid, rows(grid, Trt = "1"))
responses <- regrid(grid)
add("epilepsy", "mean(Trt = 1), response", responses, rows(responses, Trt = "1"))
add(
  "epilepsy", "mean(Trt = 1) - mean(Trt = 0), response", responses,
  rows(responses, Trt = "1") - rows(responses, Trt = "0")
)
responses <- regrid(emmeans(fit, ~Trt, at = list(base = 2.5, zAge = -1)))
add(
  "epilepsy", "2 * mean(Trt = 0, base = 2.5, zAge = -1), response", responses,
  2 * rows(responses, Trt = "0")
)

mixed <- glmer(count ~ Trt * base + I(zAge^2) + (1 | patient), epilepsy, poisson)
conditional <- regrid(emmeans(mixed, ~Trt))
group_0 <- list(
  b = as.list(fixef(mixed)), sd = attr(VarCorr(mixed)$patient, "stddev")[[1]],
  text = "mean(Trt = 1) - mean(Trt = 0), response",
  value = as.data.frame(contrast(conditional, list(value = c(-1, 1))))$estimate
)

# --- Yes or no: factors of 2 and 3 levels, glm with logits --------------------------------------

verb <- read("VerbAgg")
verb$y <- verb$r2
contrasts(verb$btype) <- contr.sum(3)
fit <- glm(y ~ btype * mode, binomial, verb)
responses <- regrid(emmeans(fit, ~btype))
add("VerbAgg", "mean(btype = scold), response", responses, rows(responses, btype = "scold"))
add(
  "VerbAgg", "mean(btype = curse) - mean(btype = shout), response", responses,
  rows(responses, btype = "curse") - rows(responses, btype = "shout")
)

write_json(
  list(
    versions = list(
      R = as.character(getRversion()), emmeans = as.character(packageVersion("emmeans")),
      lme4 = as.character(packageVersion("lme4"))
    ),
    covariates = covariates, estimands = found, groups_at_0 = group_0
  ),
  file.path(folder, "emmeans.json"),
  auto_unbox = TRUE, digits = 10, pretty = TRUE
)
