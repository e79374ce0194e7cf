package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const (
	// tokenTry bounds one request to a token service: a machine outside Azure has nobody at the
	// address of the managed identity, and must get to the developer tools.
	tokenTry     = 4 * time.Second
	tokenRetries = 2
	tokenPause   = 500 * time.Millisecond
)

// credentialChain gives the sources of tokens, in order: workload identity, managed identity, Azure
// CLI, Azure Developer CLI. Those that this machine is not set up for are left out.
func credentialChain() (azcore.TokenCredential, error) {
	var sources []azcore.TokenCredential
	add := func(c azcore.TokenCredential, err error) {
		if err == nil {
			sources = append(sources, source{c})
		}
	}
	workload, err := azidentity.NewWorkloadIdentityCredential(nil)
	add(workload, err)
	managed, err := azidentity.NewManagedIdentityCredential(nil)
	add(managed, err)
	cli, err := azidentity.NewAzureCLICredential(nil)
	add(cli, err)
	developer, err := azidentity.NewAzureDeveloperCLICredential(nil)
	add(developer, err)
	chain, err := azidentity.NewChainedTokenCredential(sources, nil)
	if err != nil {
		return nil, fmt.Errorf("prepare credentials: %w", err)
	}
	return chain, nil
}

// source makes any failure of a credential a reason to ask the next one; the library's chain goes
// on only where a credential is not set up.
type source struct{ azcore.TokenCredential }

func (s source) GetToken(
	ctx context.Context, o policy.TokenRequestOptions,
) (azcore.AccessToken, error) {
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{
		MaxRetries: tokenRetries, TryTimeout: tokenTry, RetryDelay: tokenPause,
	})
	token, err := s.TokenCredential.GetToken(ctx, o)
	if err != nil {
		return token, azidentity.NewCredentialUnavailableError(s.reason(err))
	}
	return token, nil
}

// reason says why there is no token. What a service has answered may quote one and is left out.
func (s source) reason(err error) string {
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok {
		return err.Error()
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", s.TokenCredential), "*azidentity.")
	if failed.RawResponse == nil {
		return name + ": no usable answer of the token service"
	}
	return name + ": the token service answered " + failed.RawResponse.Status
}
