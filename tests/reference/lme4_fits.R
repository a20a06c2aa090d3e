# Makes tests/reference/lme4_fits.json: fits of real data by lme4, lmerTest, glmmTMB and ordinal,
# with formulas written by hand, and the versions of these packages.
# Needs R with these packages and jsonlite, and takes about a minute.
# Run from the repository's folder: Rscript tests/reference/lme4_fits.R
# The data are those that brms_posteriors.R writes to tests/reference/data.

suppressPackageStartupMessages({
  library(lme4)
  library(glmmTMB)
  library(ordinal)
  library(jsonlite)
})

read <- function(name) {
  file <- file.path("tests/reference/data", paste0(name, ".csv"))
  read.csv(file, stringsAsFactors = TRUE)
}
found <- list()

# Fixed effects and their errors, SDs and correlations in the order of terms, the parameter of the
# outcome, and the first modes of the first coefficient of the first grouping factor.
add <- function(name, b, covariance, terms, own, modes, errors, df = NULL) {
  sd <- unlist(lapply(terms, attr, "stddev"), use.names = FALSE)
  cor <- unlist(lapply(terms, function(term) {
    correlation <- attr(term, "correlation")
    if (!is.null(correlation)) correlation[upper.tri(correlation)]
  }), use.names = FALSE)
  found[[name]] <<- list(
    b = unname(b), se = unname(sqrt(diag(as.matrix(covariance)))), df = df, sd = sd, cor = cor,
    own = own, modes = head(modes, 3), modes_error = head(errors, 3)
  )
}

add_lme4 <- function(name, fit, terms = names(VarCorr(fit)), own = NULL, df = NULL) {
  groups <- as.data.frame(ranef(fit, condVar = TRUE))
  first <- sub("\\.\\d+$", "", terms[1])
  groups <- groups[groups$grpvar == first & groups$term == "(Intercept)", ]
  add(
    name, fixef(fit), vcov(fit), unclass(VarCorr(fit))[terms], own, groups$condval, groups$condsd,
    df
  )
}

add_lmer <- function(name, formula, data, ...) {
  fit <- lmerTest::lmer(formula, data)
  add_lme4(name, fit, ..., own = sigma(fit), df = unname(coef(summary(fit))[, "df"]))
}

add_glmmTMB <- function(name, fit, own = NULL) {
  groups <- as.data.frame(ranef(fit, condVar = TRUE))
  groups <- groups[groups$grpvar == groups$grpvar[1] & groups$term == "(Intercept)", ]
  terms <- VarCorr(fit)$cond
  add(name, fixef(fit)$cond, vcov(fit)$cond, terms, own, groups$condval, groups$condsd)
  bounds <- confint(fit, parm = "theta_", level = 0.95)
  here <- grepl("Std.Dev", rownames(bounds))
  found[[name]]$sd_bounds <<- unname(bounds[here, 1:2, drop = FALSE])
  if (!is.null(own)) {
    found[[name]]$own_bounds <<- unname(confint(fit, parm = "sigma", level = 0.95)[1, 1:2])
  }
}

# --- Normal -------------------------------------------------------------------------------------

sleep <- read("sleepstudy")
add_lmer("sleepstudy, lmer", Reaction ~ Days + (Days | Subject), sleep)
fit <- lmerTest::lmer(Reaction ~ Days + (Days | Subject), sleep)
at_five <- lmerTest::contest1D(fit, c(1, 5))
found[["sleepstudy, lmer"]]$at_five <- c(se = at_five[["Std. Error"]], df = at_five[["df"]])
add_lmer("uncorrelated, lmer", Reaction ~ Days + (Days || Subject), sleep)
fit <- glmmTMB(Reaction ~ Days + (Days | Subject), sleep)
add_glmmTMB("sleepstudy, glmmTMB", fit, sigma(fit))
penicillin <- read("Penicillin")
penicillin_formula <- diameter ~ 1 + (1 | plate) + (1 | sample)
add_lmer("penicillin, lmer", penicillin_formula, penicillin, c("plate", "sample"))
pastes <- read("Pastes")
add_lmer(
  "pastes, lmer", strength ~ 1 + (1 | batch) + (1 | batch:cask), pastes, c("batch", "batch:cask")
)
cake <- read("cake")
cake$temperature <- factor(cake$temp, labels = seq(175, 225, 10))
cake$cook <- interaction(cake$replicate, cake$recipe)
contrasts(cake$recipe) <- contr.sum(3)
contrasts(cake$temperature) <- contr.helmert(6)
add_lmer("cake, lmer", angle ~ recipe * temperature + (1 | cook), cake)
add_lmer("log cake, lmer", log(angle) ~ poly(temp, 2) + I(temp^3) + (1 | cook), cake)

# --- Other outcomes -----------------------------------------------------------------------------

cbpp <- read("cbpp")
cbpp$period <- factor(cbpp$period)
cbpp_formula <- cbind(incidence, size - incidence) ~ period + (1 | herd)
add_lme4("cbpp, glmer", glmer(cbpp_formula, cbpp, binomial))
add_glmmTMB("cbpp, glmmTMB", glmmTMB(cbpp_formula, cbpp, binomial))
verbs <- read("VerbAgg")
verbs$mode <- factor(verbs$mode, c("want", "do"))
verbs_formula <- r2 ~ btype + mode + (1 | id) + (1 | item)
add_lme4("verbagg, glmer", glmer(verbs_formula, verbs, binomial), c("id", "item"))
epilepsy <- read("epilepsy")
epilepsy$Trt <- factor(epilepsy$Trt)
counts <- count ~ zAge + zBase * Trt + offset(log(weeks)) + (1 | patient)
add_lme4("epilepsy, glmer", glmer(counts, epilepsy, poisson))
fit <- glmmTMB(counts, epilepsy, nbinom2)
add_glmmTMB("epilepsy, glmmTMB", fit, sigma(fit))
fit <- glmer(angle ~ temp + (1 | cook), cake, Gamma(link = "log"))
add_lme4("gamma, glmer", fit, own = 1 / sigma(fit)^2)
fit <- glmmTMB(angle ~ temp + (1 | cook), cake, Gamma(link = "log"))
add_glmmTMB("gamma, glmmTMB", fit)
found[["gamma, glmmTMB"]]$own <- 1 / sigma(fit)^2
cake$share <- cake$angle / 100
fit <- glmmTMB(share ~ temp + (1 | cook), cake, beta_family())
add_glmmTMB("beta, glmmTMB", fit, sigma(fit))
inhaler <- read("inhaler")
fit <- clmm(ordered(rating) ~ period + carry + treat + (1 | subject), inhaler)
places <- c(length(fit$alpha) + seq_along(fit$beta), seq_along(fit$alpha))
values <- c(fit$alpha, fit$beta)
add(
  "inhaler, clmm", values[places], vcov(fit)[places, places], VarCorr(fit), NULL,
  ranef(fit)$subject[[1]], sqrt(condVar(fit)$subject[[1]])
)

packages <- c("lme4", "lmerTest", "glmmTMB", "ordinal")
versions <- lapply(setNames(packages, packages), function(name) format(packageVersion(name)))
write_json(
  list(versions = c(R = format(getRversion()), versions), fits = found),
  "tests/reference/lme4_fits.json",
  digits = 12, auto_unbox = TRUE, null = "null", pretty = TRUE
)
